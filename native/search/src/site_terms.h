// What the search of a static site needs of an index, term by term: ../SITE.md draws the bytes.
//
// Everything is a function of the living documents alone: it does not depend on how they lie in
// segments, nor on what was there before.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dictionary.h"
#include "postings.h"
#include "search_state.h"
#include "site_bands.h"
#include "site_beside.h"
#include "site_parts.h"
#include "site_record.h"
#include "site_together.h"

namespace prse {

// Documents of a term that are worth about the same, ascending by id.
struct SiteRecord {
  std::uint32_t band;  // the lower, the more its documents are worth
  std::vector<std::uint64_t> ids;
  SiteRecordBytes bytes;
};


struct SiteTerm {
  std::uint64_t documents;  // of a word or tag, or with any word of a stem; 0 of others
  std::string entry;        // of the directory of terms
  std::vector<SiteRecord> records;
};

class SiteTerms {
 public:
  // `fields` are all names that documents' fields may have, in the order of their numbers. `banded` says the terms of
  // how many documents are put into bands. The state must outlive it. PRSE_INVALID where the index has a field that is
  // not among them.
  SiteTerms(const SearchState& state, std::span<const std::string_view> fields, BandedSizes banded);

  // Up to `limit` keys of terms above `after`, ascending: a word or folded tag, 0, and its kind, 'w' or
  // 't'. Some may have no living documents.
  std::vector<std::string> keys(std::string_view after, std::size_t limit) const;

  // What stands under a key, the sooner found the nearer keys come to ascending; nothing where no living document
  // is meant by it. Beside the kinds of `keys` there are 's', the words of a stem, and 'n', the tags that a word is
  // near to.
  std::optional<SiteTerm> term(std::string_view key);

  // The best documents of combinations of these stems, which ascend, as far as some document has all of one
  // together. `weights` say what words of each stem are worth beside the others'; `lengths`, by field, how many
  // words it is taken to have: two to the power of so many quarters. PRSE_INVALID where stems do not ascend, a
  // combination is not of two or three of them, ascending, or there is not a length for each field.
  std::vector<SiteTogether> together(std::span<const std::string_view> stems,
                                     std::span<const std::uint32_t> weights,
                                     std::span<const std::uint32_t> lengths,
                                     std::span<const SiteMembers> combinations);

  // Words that say something and that more than `least` documents have, and up to `most`, ascending, and how many do;
  // not such as are worth about the same to all, as names of cameras, whose lists are short.
  std::vector<std::pair<std::string, std::uint64_t>> frequent(std::uint64_t least, std::uint64_t most);

  // Of pairs of these stems, by their numbers, which documents have words of both near each other.
  // In parts, none where no document has.
  std::vector<std::vector<std::string>> near(std::span<const std::string_view> stems,
                                std::span<const std::array<std::uint32_t, 2>> pairs);

  // From now on the records of terms with up to `most` documents tell what these have of some stems, each there once;
  // those of terms with more than `whole` apart. Of words of other stems with more documents, up to `near`, the rest
  // tells how near they are to these stems, if there is one.
  void set_beside(std::span<const std::string_view> stems, std::uint64_t whole, std::uint64_t most, std::uint64_t near);

  struct Field {
    std::uint64_t words;
    std::uint64_t documents;  // that have any
  };
  std::uint64_t documents() const { return state_.statistics.documents; }
  std::size_t fields() const { return fields_.size(); }
  Field field(std::size_t number) const;

  // How many words each field has, of a document.
  struct Lengths {
    std::uint64_t id;
    std::vector<std::uint32_t> words;  // by the field's number
  };
  // Of the living documents with ids from `first` on and below `end`, ascending.
  std::vector<Lengths> lengths(std::uint64_t first, std::uint64_t end) const;

 private:
  SitePostings read(const std::string& term, bool with_positions);
  // What is told in place of a document's id, of its segment's number and its own in it.
  using NumberOf = std::function<std::uint64_t(std::size_t segment, std::uint32_t doc)>;
  SitePostings read(const std::string& term, bool with_positions, const NumberOf& number_of);
  SiteBeside read_beside(std::span<const std::string_view> stems);
  SiteStem read_stem(std::string_view stem, std::uint32_t weight, const NumberOf& number_of);
  std::uint64_t bearing(const std::vector<std::string>& words) const;
  std::vector<std::string> words_of_stem(std::string_view stem) const;
  // A word, with positions, or a tag.
  std::optional<SiteTerm> list(std::string_view text, bool with_positions);
  std::optional<SiteTerm> stem(std::string_view stem) const;
  std::optional<SiteTerm> near(std::string_view word) const;
  bool lives(const std::string& term) const;
  SiteBands bands(const SitePostings& postings) const;
  double reference_worth(const SiteClass& uses, std::span<const double> lengths) const;
  static std::vector<SiteClass> bounds(const std::vector<SiteClass>& classes);
  static void put_parts(std::vector<SiteRecord>& records, std::uint32_t band, const SitePostings& postings,
                        std::span<const SitePosting> all, PartSizes sizes, const SiteBeside& beside, bool apart);
  static SitePostings without_lengths(const SitePostings& postings, bool with_positions);

  const SearchState& state_;
  std::vector<std::string> fields_;
  BandedSizes banded_;
  std::vector<double> reference_lengths_;                // by number
  std::vector<double> weights_;                          // by number
  std::vector<std::vector<std::uint32_t>> numbers_;      // by segment, by the segment's field
  std::vector<KeyFinder> finders_;                       // of terms, by segment
  SiteBeside beside_;
  std::uint64_t whole_beside_ = 0;
  std::uint64_t most_beside_ = 0;
  std::uint64_t near_beside_ = 0;
};

}  // namespace prse
