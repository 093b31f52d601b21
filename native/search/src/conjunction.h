// The best documents that bear every word, without looking at all that do.
//
// The lists of the rarest word lead. Their blocks are visited the best bound first (block_table.h
// has what bounds them), until the next bound lies below the worst hit held; "Faster top-k
// document retrieval using block-max indexes", Ding and Suel, SIGIR 2011, has the bounds, and
// visiting by bound rather than by document makes them bite from the first block on. A document
// of a block that is visited is looked up in the other words' lists, as long as what they could
// add would be enough. Where words have several long lists, windows.h does it. Hits and scores are those of
// looking at everything.
#pragma once

#include "proximity.h"
#include "top_hits.h"
#include "word_lists.h"

namespace prse {

// Offers what the segment has to `top`; words of one segment, at least one.
void find_all(SegmentSearch& search, Proximity& proximity, TopHits& top);

}  // namespace prse
