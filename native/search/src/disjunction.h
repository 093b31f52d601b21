// The best documents that bear any word, without looking at all that do.
//
// Documents are cut into windows of 1,024 numbers. What bounds the blocks of the words' lists
// bounds the windows; they are visited the best bound first, until the next bound lies below the
// worst hit held. Within a window words are taken by what they can be worth, and once those left
// cannot lift a document that has none of these they are only looked up in those that have
// ("MaxScore", Turtle and Flood, "Query evaluation: strategies and optimizations", 1995). Hits and
// scores are those of looking at everything.
#pragma once

#include "proximity.h"
#include "top_hits.h"
#include "word_lists.h"

namespace prse {

// Offers what the segment has to `top`.
void find_any(SegmentSearch& search, Proximity& proximity, TopHits& top);

}  // namespace prse
