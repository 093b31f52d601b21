// The posting lists in which one segment has a query's word, with what bounds their documents'
// worth: what the pruned searches (conjunction.h, disjunction.h) work on.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "postings.h"
#include "scorer.h"
#include "snapshot.h"
#include "top_hits.h"

namespace prse {

// The pruned searches answer queries of at most so many words.
constexpr std::size_t kMostPrunedWords = 16;

// A bound is computed in another order than a score, so the two may differ by rounding.
constexpr double kSlack = 1 + 1e-6;

// A way in which the word is in the segment.
struct WordList {
  WordList(const PostingList& of_term, prse_via way, float how_near, std::uint32_t living,
           std::string of_key, std::string to_tell)
      : list(of_term),
        via(way),
        similarity(how_near),
        documents(living),
        key(std::move(of_key)),
        text(std::move(to_tell)) {}

  PostingList list;
  prse_via via;
  float similarity;         // PRSE_NEIGHBOUR
  std::uint32_t documents;  // living
  std::string key;          // in the dictionary
  std::string text;         // to tell the user

  // What a document of this w (scorer.h) is worth, without the idf.
  double worth(double weighted) const {
    const double saturated = SegmentScorer::saturate(via == PRSE_FORM ? kFormShare * weighted : weighted);
    switch (via) {
      case PRSE_FORM: return worth_of_form(saturated);
      case PRSE_PREFIX: return worth_of_prefix(saturated);
      case PRSE_NEIGHBOUR: return worth_of_neighbour(saturated, similarity);
      default: return worth_of_exact(saturated);
    }
  }
  // The least w that is worth this much; infinite where none is.
  double least_weighted(double worth) const;

  // The most that w can be in a block of the list's table, in 16 of them, in the whole list.
  void prepare_bounds(const SegmentScorer& scorer);
  double most_of_block(std::uint32_t block) const;
  double most_of_blocks(std::uint32_t first, std::uint32_t last) const;
  double most_of_group(std::uint32_t group) const;
  double most() const;

 private:
  struct FieldBound {
    double for_code;
    const std::uint8_t* of_blocks;
    const std::uint8_t* of_groups;
  };
  std::vector<FieldBound> fields_;
};

// The w of a block's `at`th document; its codes must have been read.
inline double weighted_at(const SegmentScorer& scorer, const PostingBlock& block, std::uint32_t at,
                          const Shapes& shapes) {
  // Mostly of one field.
  const FieldCount single = shapes.single(block.codes[at]);
  if (single.times > 0) return scorer.weighted(block.docs[at], single.field, single.times);
  return scorer.sum(block.docs[at], block.fields(at, shapes));
}

// What the list's word is worth in it, without the idf.
inline double worth_at(const WordList& list, const SegmentScorer& scorer, const PostingBlock& block, std::uint32_t at) {
  const Shapes& shapes = list.list.shapes();
  const FieldCount single = shapes.single(block.codes[at]);
  if (single.times > 0 && list.via == PRSE_EXACT) return scorer.worth_of_single(block.docs[at], single);
  return list.worth(weighted_at(scorer, block, at, shapes));
}

// A document of a list that was read, with its worth.
struct Worth {
  std::uint32_t doc;
  double worth;
};

struct WordLists {
  std::vector<WordList> lists;
  std::uint64_t documents = 0;  // living, of all lists: a document may be counted several times
};

// What stays the same for one segment while a query is answered.
struct SegmentSearch {
  const SegmentView* view = nullptr;
  const SegmentScorer* scorer = nullptr;
  std::uint32_t number = 0;
  std::vector<WordLists> words;
  const std::vector<double>* idf = nullptr;  // by word

  RankedHit hit(std::uint32_t doc, float score) const {
    const Segment& segment = *view->segment;
    return {score, segment.order(doc), segment.id(doc), number, doc, score};
  }
};

// Reads the short lists of a word, those without a table: living documents, ascending, each once
// with the best it is worth.
std::vector<Worth> read_short_lists(const SegmentSearch& search, const WordLists& word);

}  // namespace prse
