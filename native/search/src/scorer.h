// How much a word's standing in a document is worth.
//
// BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13", 2004) with a small lower bound as in
// BM25+ (Lv and Zhai, "Lower-bounding term frequency normalization", CIKM 2011). Each field's count
// is divided by the field's relative length, weighted, and summed to w; saturated, s = w / (k1 + w)
// lies in 0..1. For each word of the query a document gets idf × worth, where the worth is
//
//   the word itself                      0.25 + (k1 + 1) s    above 0.2
//   another form of it                   0.2 + (k1 + 1) s of 0.7 w
//   a word that it begins                0.1 + 0.1 s          0.1 .. 0.2
//   a word one or two edits away       0.1 + 0.06 s, 0.1 + 0.04 s; sought where there is none of these
//   a tag it is a neighbour of           0.1 similarity (0.8 + 0.2 s), below 0.1
//
// so of one word, a nearer way always ranks above a farther one (of forms, where they stand alike),
// and among neighbours it is the similarity that counts, hardly how many tags a picture has. A
// document that has a word in several ways gets the best of them. The idf is that of all documents
// that have the word or a form of it; where none has, of the most frequent of the nearest ways, so
// all documents that have the word share it.
//
// A document that bears a phrase gets, for each of its different words, idf × worth of the word
// itself: all that stands of it in the searched fields counts, also what stands outside of the
// phrase, and the idf is that of the documents that have the very word, in any field. So a phrase's
// score needs no knowledge of how many documents bear it.
//
// proximity.h has what words that stand near to each other add.
//
// k1, the bounds and shares were chosen by hand on the whole Cranfield collection
// (tests/bench/bench_relevance.py, which cross-validates the weight of the title alone).
//
// All statistics are of the living documents of a snapshot: no score depends on how they came to
// lie in segments, or on what was deleted.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postings.h"
#include "snapshot.h"

namespace prse {

struct FieldWeight {
  std::string_view field;
  float weight;
};

struct Statistics {
  struct Field {
    std::uint64_t words = 0;
    std::uint64_t documents = 0;  // with at least one word in the field
  };
  std::uint64_t documents = 0;
  std::map<std::string, Field, std::less<>> fields;
};

Statistics collect_statistics(const std::vector<SegmentView>& segments);

double inverse_document_frequency(std::uint64_t documents, std::uint64_t with_word);

constexpr double kK1 = 2.0;
constexpr double kFormShare = 0.7;

// By s; of a form, that of kFormShare w.
inline double worth_of_exact(double saturated) { return 0.25 + (kK1 + 1) * saturated; }
inline double worth_of_form(double saturated) { return 0.2 + (kK1 + 1) * saturated; }
inline double worth_of_prefix(double saturated) { return 0.1 + 0.1 * saturated; }
inline double worth_of_typo(double saturated, std::uint32_t edits) {
  return 0.1 + (edits == 1 ? 0.06 : 0.04) * saturated;
}
inline double worth_of_neighbour(double saturated, float similarity) {
  return 0.1 * static_cast<double>(similarity) * (0.8 + 0.2 * saturated);
}

// A query's field weights: the defaults, with `chosen` in place of them where given.
// PRSE_INVALID for a weight that is negative or no number.
class Weights {
 public:
  explicit Weights(std::span<const FieldWeight> chosen);
  float of(std::string_view field) const;
  // The same for a word that is sought in one field alone, which counts even where its weight
  // is 0. Empty: all fields.
  Weights within(std::string_view field) const;

 private:
  std::map<std::string, float, std::less<>> weights_;
  std::string only_;
};

// Scores the documents of one segment, which must outlive it.
class SegmentScorer {
 public:
  SegmentScorer(const Segment& segment, const Statistics& statistics, const Weights& weights);

  // Whether the field is searched: one of weight 0 is not.
  bool searches(std::uint32_t field) const { return fields_[field].weight > 0; }

  // How much `times` in a field of a document add to w.
  double weighted(std::uint32_t doc, std::uint32_t field, std::uint32_t times) const {
    const Field& of_all = fields_[field];
    const std::uint32_t length = segment_->length(field, doc);
    return times * (length < of_all.worths.size() ? of_all.worths[length] : worth_of_one(of_all, length));
  }
  // w of a document with these counts.
  double sum(std::uint32_t doc, std::span<const FieldCount> counts) const {
    double sum = 0;
    for (const FieldCount& count : counts) sum += weighted(doc, count.field, count.times);
    return sum;
  }
  // What the word itself is worth in a document with these counts.
  double worth_of_word(std::uint32_t doc, std::span<const FieldCount> counts) const {
    return counts.size() == 1 ? worth_of_single(doc, counts.front()) : worth_of_exact(saturated(doc, counts));
  }
  // No document of more words in the field is worth this w with `times` there; some of fewer may be
  // worth less too.
  std::uint32_t longest(std::uint32_t field, std::uint32_t times, double least) const;
  // s of a document with these counts; 0 if none is in a searched field.
  double saturated(std::uint32_t doc, std::span<const FieldCount> counts) const {
    return saturate(sum(doc, counts));
  }
  // What the word itself is worth in a document where it stands `single.times` in one field and in no other:
  // worth_of_exact(saturate(weighted(...))), mostly from a table.
  double worth_of_single(std::uint32_t doc, FieldCount single) const {
    const Field& of_all = fields_[single.field];
    const std::uint32_t length = segment_->length(single.field, doc);
    if (single.times <= kFewTimes && length < of_all.worths.size()) {
      return of_all.exact[length * kFewTimes + single.times - 1];
    }
    return worth_of_exact(saturate(weighted(doc, single.field, single.times)));
  }
  static double saturate(double weighted) { return weighted / (kK1 + weighted); }
  // The most that a field adds to w for each unit of its impact (block_table.h).
  double most_for_impact(std::uint32_t field) const {
    return fields_[field].weight * fields_[field].drift;
  }
  // Whether every field is searched.
  bool searches_all() const;

 private:
  // Tables go up to so many times the words that a document of the segment has on average, within bounds.
  static constexpr double kFewTimesAverage = 4;
  static constexpr double kLeastWords = 32;
  static constexpr double kMostWords = 1'024;
  static constexpr std::uint32_t kFewTimes = 3;
  struct Field {
    double weight;
    double average_length;
    double drift;  // max(1, average over all segments / the segment's own)
    // What one occurrence adds to w, by the document's words in the field, where they are few.
    std::vector<double> worths;
    // What so many are worth, where there is nothing else: by the document's words, then by how many.
    std::vector<double> exact;
  };
  double worth_of_one(const Field& field, std::uint32_t length) const;
  const Segment* segment_;
  std::vector<Field> fields_;
};

}  // namespace prse
