#include "word_lists.h"

#include <algorithm>
#include <limits>

namespace prse {
namespace {

// The s of which w / (k1 + w) it is, inverted.
double weighted_of(double saturated) {
  if (saturated <= 0) return 0;
  if (saturated >= 1) return std::numeric_limits<double>::infinity();
  return kK1 * saturated / (1 - saturated);
}

}  // namespace

double WordList::least_weighted(double worth) const {
  // What each worth is at s = 0 and s = 1; between, they are straight lines.
  double low = worth_of_exact(0);
  double high = worth_of_exact(1);
  double share = 1;
  if (via == PRSE_FORM) {
    low = worth_of_form(0);
    high = worth_of_form(1);
    share = kFormShare;
  } else if (via == PRSE_PREFIX) {
    low = worth_of_prefix(0);
    high = worth_of_prefix(1);
  } else if (via == PRSE_NEIGHBOUR) {
    low = worth_of_neighbour(0, similarity);
    high = worth_of_neighbour(1, similarity);
  }
  // A little less, so that rounding keeps what is just enough.
  return weighted_of((worth - low) / (high - low)) / share * (1 - 1e-6);
}

void WordList::prepare_bounds(const SegmentScorer& scorer) {
  fields_.clear();
  for (std::size_t i = 0; i < list.table().field_count(); ++i) {
    const BlockTable::Field field = list.table().field(i);
    fields_.push_back({scorer.most_for_impact(field.number) * field.scale * kSlack, field.of_blocks,
                       field.of_groups});
  }
}

double WordList::most_of_block(std::uint32_t block) const {
  double sum = 0;
  for (const FieldBound& field : fields_) sum += field.for_code * field.of_blocks[block];
  return sum;
}

double WordList::most_of_blocks(std::uint32_t first, std::uint32_t last) const {
  double sum = 0;
  for (const FieldBound& field : fields_) {
    sum += field.for_code * *std::max_element(field.of_blocks + first, field.of_blocks + last + 1);
  }
  return sum;
}

double WordList::most_of_group(std::uint32_t group) const {
  double sum = 0;
  for (const FieldBound& field : fields_) sum += field.for_code * field.of_groups[group];
  return sum;
}

double WordList::most() const {
  double sum = 0;
  for (const FieldBound& field : fields_) sum += field.for_code * UINT8_MAX;
  return sum;
}

std::vector<Worth> read_short_lists(const SegmentSearch& search, const WordLists& word) {
  std::vector<Worth> found;
  std::size_t lists = 0;
  PostingBlock block;
  for (const WordList& list : word.lists) {
    if (list.list.table().blocks() > 0) continue;
    ++lists;
    list.list.read_block(0, block);
    for (std::uint32_t i = 0; i < block.size; ++i) {
      const std::uint32_t doc = block.docs[i];
      if (!search.view->alive(doc)) continue;
      found.push_back({doc, worth_at(list, *search.scorer, block, i)});
    }
  }
  if (lists < 2) return found;
  std::sort(found.begin(), found.end(), [](const Worth& a, const Worth& b) {
    return a.doc != b.doc ? a.doc < b.doc : a.worth > b.worth;
  });
  const auto last = std::unique(found.begin(), found.end(),
                                [](const Worth& a, const Worth& b) { return a.doc == b.doc; });
  found.erase(last, found.end());
  return found;
}

}  // namespace prse
