// How much nearer words are worth: for each two of a query's words that follow one another there,
// what the nearest two of their occurrences in a value of a field add to a document's score,
// 0.6 times the lesser idf, divided by the distance up to 4 words. Occurrences of other forms of
// the words count too.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "postings.h"
#include "query.h"
#include "scorer.h"

namespace prse {

// Where a document stands in a list, or that it does not, where either is known.
struct Spot {
  static constexpr std::uint32_t kUnknown = UINT32_MAX;
  static constexpr std::uint32_t kAbsent = UINT32_MAX - 1;
  std::uint32_t block = kUnknown;
  std::uint32_t at = 0;

  bool known() const { return block < kAbsent; }
};

class Proximity {
 public:
  // Of a segment; `idf` by word. All must outlive it.
  Proximity(const Query& query, std::span<const double> idf, const Segment& segment);

  // One of the lists in which the segment has a word or a form of it, words in their order. `scorer` is the
  // word's.
  void add(std::size_t word, const PostingList& list, const SegmentScorer& scorer);

  static constexpr std::size_t kNoSource = SIZE_MAX;

  bool empty() const { return query_.pairs.empty(); }
  // The most that it adds to any score.
  double most() const { return most_; }
  // How many lists were added; of a word how many, and the place of the first in the order of the words.
  std::size_t sources() const { return places_of_words_.back(); }
  std::size_t sources(std::size_t word) const { return empty() ? 0 : sources_[word].size(); }
  std::size_t first_source(std::size_t word) const { return places_of_words_[word]; }
  // What it adds to a document's. `spots`, by list in the order of the words, spare looking for the document;
  // none need be given.
  double of(std::uint32_t doc, std::span<const Spot> spots = {});

 private:
  struct Place {
    std::uint32_t field;
    std::uint32_t position;
  };
  // A list, with the block of it that was read last.
  struct Source {
    PostingList list;
    const SegmentScorer* scorer;
    std::uint32_t number = UINT32_MAX;
    bool only_codes = false;  // were read
    bool opened = false;      // its positions were
    PostingBlock block;
    PositionReader positions;
  };
  void read(std::size_t word, std::uint32_t doc, std::span<const Spot> spots);
  // Read what one list says of a document into `numbers_` and `fields_`; `find`: false where it has it not.
  void read_at(Source& source, const Spot& spot);
  bool find(Source& source, std::uint32_t doc);

  const Query& query_;
  std::span<const double> idf_;
  const Segment& segment_;
  double most_ = 0;
  std::vector<std::vector<Source>> sources_;  // by word
  std::vector<std::size_t> places_of_words_;  // of the first list of each, and of none
  std::vector<std::vector<Place>> places_;    // by word: in the document, ascending
  std::vector<std::uint32_t> numbers_;
  std::span<const FieldCount> fields_;  // of these
};

}  // namespace prse
