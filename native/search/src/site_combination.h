// The best of the documents that have two or three stems, and what bounds the others.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "site_stem_documents.h"
#include "site_together.h"
#include "site_uses.h"

namespace prse {

// What tells documents of a combination apart but for their ids.
struct TogetherKind {
  std::array<std::uint32_t, kMostTogether> uses;  // by stem, their number; 0 of a third that there is not
  // Of the first two stems; of the first and the last; of the last two.
  std::array<std::uint8_t, kMostTogether> near;
  std::uint8_t unused = 0;
  bool operator==(const TogetherKind& other) const {
    using Halves = std::array<std::uint64_t, 2>;
    return std::bit_cast<Halves>(*this) == std::bit_cast<Halves>(other);
  }
};

struct TogetherDocument {
  std::uint32_t number;  // among all documents
  TogetherKind kind;
};

// Which documents of a combination are told, as its key ends: all; those where one of two stems is the next word after
// the other, as in a phrase; or all, and how near they are is of no worth, as where one or another is asked for.
enum class Told : char { kAll = 'b', kSecondNext = 'f', kFirstNext = 'r', kEither = 'o' };

class Combination {
 public:
  // What is given must outlive it.
  Combination(std::vector<const StemDocuments*> members, const IdOf& id_of, const WeightOf& weight_of,
              Told which = Told::kAll);

  // What is to be told of such documents, one at least.
  SiteTogether told(std::span<const TogetherDocument> documents);

 private:
  // What something is worth by which word stands between the others in a query: only pairs of words that follow
  // one another count. Of two words all are the same.
  using Values = std::array<std::int64_t, kMostTogether>;
  using Worths = std::array<std::int64_t, kMostTogether>;  // by stem
  using Nearnesses = std::array<std::uint8_t, kMostTogether>;

  struct Kind {
    TogetherKind of;
    Worths worths;
    std::int64_t all;     // worths and nearness
    std::uint8_t above;    // a bit for each order: whether all documents are told
    std::uint8_t at_last; // whether they are worth what the last that is told is
    bool left_out;        // whether some document is not told in any order
  };
  struct Best {
    std::uint64_t id;
    std::uint32_t kind;
    std::uint8_t orders;  // a bit for each of which it is one of the best
  };
  // What documents that are not told are worth at most.
  struct Bound {
    Values values;
    std::array<StemUses, kMostTogether> uses;
    Worths worths;  // of the uses
    Nearnesses near;
  };

  // Which of three words stands between the others matters.
  std::size_t orders() const { return members_.size() == kMostTogether ? kMostTogether : 1; }
  std::uint32_t most_told() const;
  std::size_t most_shown() const;
  Values values_of(const Worths& worths, const Nearnesses& near) const;
  Values values_of(const Kind& kind) const { return values_of(kind.worths, kind.of.near); }
  std::int64_t value_of(const Kind& kind, std::size_t order) const;

  void find_kinds(std::span<const TogetherDocument> documents);
  std::array<std::uint32_t, kMostTogether> find_last();
  void find_told(std::span<const TogetherDocument> documents);
  std::vector<std::uint64_t> shown() const;
  bool covers_all(const Kind& a, const Kind& b) const;
  std::vector<Bound> left_out();
  bool join(Bound& bound, const Bound& other, const Values& most) const;
  std::vector<Bound> bounds();
  std::string record(std::span<const std::uint64_t> shown);

  std::vector<const StemDocuments*> members_;
  const IdOf* id_of_;
  const WeightOf* weight_of_;
  Told which_;
  std::vector<std::array<std::int64_t, kNearnesses>> near_worths_;  // by pair and nearness
  std::vector<Kind> kinds_;
  std::vector<std::uint32_t> counts_;   // of documents, by kind
  std::vector<std::uint32_t> kind_of_;  // by document
  std::vector<Best> told_;              // ascending by id
};

}  // namespace prse
