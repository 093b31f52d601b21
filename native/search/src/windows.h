// The best documents that bear every word, where a word has several lists: itself and its other forms.
//
// Documents are looked at in windows, the best bound first (block_table.h has what bounds them), until the next
// bound lies below the worst hit held. Of a window each list's blocks are read once, and mark which documents have
// which words, one byte for each document; what bears all words is then looked up in these blocks. List by list,
// as conjunction.h does, each block of the leading word would have every list of the others searched.
#pragma once

#include "proximity.h"
#include "top_hits.h"
#include "word_lists.h"

namespace prse {

// Whether this is the better way: of two words that must be there one at least has several long lists, there are
// not too many lists, and the rarest word has a few documents in each window.
bool suits_windows(const SegmentSearch& search);

// As `find_all` (conjunction.h).
void find_all_in_windows(SegmentSearch& search, Proximity& proximity, TopHits& top);

}  // namespace prse
