// What documents of a term have of a few very frequent stems: ../SITE.md draws the bytes.
//
// The lists of such stems are long. With this a visitor who asks for one beside another word reads the other's
// list alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "site_record.h"
#include "site_stem.h"

namespace prse {

class RangeEncoder;

class SiteBeside {
 public:
  // None are told.
  SiteBeside() = default;
  // `fields`: how many there may be.
  SiteBeside(std::vector<SiteStem> stems, std::uint32_t fields);

  bool empty() const { return stems_.empty(); }

  // The two parts of a record that tell it: its words, which follow the first id, and what comes last.
  struct Told {
    std::string words;
    std::string documents;
  };
  // Of these postings of a term.
  Told told(const SitePostings& postings, std::span<const SitePosting> part) const;
  // What is told of them apart: of each stem, one after the other, as a text.
  std::string told_apart(const SitePostings& postings, std::span<const SitePosting> part) const;
  // Put of these nothing but how near they are to each stem.
  void put_nearness(RangeEncoder& out, const SitePostings& postings, std::span<const SitePosting> part) const;

  // Whether this is a word of one of the stems.
  bool has(std::string_view word) const;

  // Which documents have words of two of the stems near each other, and how near, in parts; none where none has.
  std::vector<std::string> near(std::size_t a, std::size_t b) const;

 private:
  struct Use {
    std::uint32_t word;  // its number among those of its stem
    std::uint32_t field;
    std::uint32_t times;
    std::uint32_t words;  // of the field
    std::uint32_t first;  // of its positions
  };
  // The words of a stem that a record tells of.
  struct Words {
    std::vector<std::uint32_t> numbers;  // by word: 0 of the first, from 1 on those of `others`
    std::vector<std::uint32_t> others;
  };
  struct Likely;
  struct LikelyNearness;

  // The place of each document among `ids_`; behind the last where it has none of the stems.
  std::vector<std::size_t> ranks(std::span<const SitePosting> part) const;
  std::span<const Use> uses(std::size_t rank, std::size_t stem) const;
  Words words_of(std::span<const std::size_t> ranks, std::size_t stem) const;
  // Put what a document has of a stem.
  void put(RangeEncoder& out, Likely& likely, std::span<const Use> uses, const SitePostings& postings,
           const SitePosting& posting, const Words& words) const;
  std::span<const std::uint32_t> positions(const Use& use) const;
  // How the uses stand to the term.
  struct Nearness {
    std::uint32_t near = 0;  // 4 where one is next to it, 1 four words apart, 0 beyond
    bool ahead = false;      // whether one is the next word after it
    bool behind = false;
  };
  Nearness nearness(std::span<const Use> uses, const SitePostings& postings, const SitePosting& posting) const;

  std::vector<std::vector<std::string>> stems_;  // the words of each
  std::uint32_t fields_ = 0;
  // Documents that have any, ascending; for each and each stem where its uses begin, and at last where all end.
  std::vector<std::uint64_t> ids_;
  std::vector<std::uint32_t> begins_;
  std::vector<Use> uses_;
  std::vector<std::uint32_t> positions_;
};

}  // namespace prse
