// Looks documents of one word up in the lists of another (conjunction.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "proximity.h"
#include "word_lists.h"

namespace prse {

class Prober {
 public:
  // `word` by its number; all must outlive it.
  Prober(SegmentSearch& search, std::size_t word);

  // How many documents its lists have, those in several of them counted several times.
  std::uint64_t documents() const { return documents_; }
  // The most it can add to a score, anywhere or between two documents.
  double most() const;
  double most_between(std::uint32_t first, std::uint32_t last) const;

  // Before documents are looked up that do not ascend from those before.
  void begin();
  // Of so many documents, at most those of a block, ascending, with a number for each: keeps those that
  // have the word, and returns how many. Only for these can be asked afterwards, until `begin`.
  std::size_t keep(std::uint32_t* docs, std::uint32_t* numbers, std::size_t count);
  // What it is worth in a document, without the idf; 0 where it is not there. Documents must ascend.
  double worth(std::uint32_t doc);
  // Where the document was found that was asked for last and is there; unknown where the word has other
  // lists than one long one.
  Spot spot() const {
    if (!short_.empty() || long_.size() != 1) return {};
    return {long_.front().numbers[long_.front().current], long_.front().at};
  }

 private:
  // A list with the blocks of it that were read since `begin`, as far as they are still needed.
  struct Long {
    WordList* list;
    double most;
    std::uint32_t next = 0;  // the first block that was not read or passed over
    bool kept = false;       // nothing behind those blocks is asked for
    std::size_t count = 0;
    std::size_t current = 0;
    std::uint32_t at = 0;  // in the current block
    std::vector<std::unique_ptr<PostingBlock>> blocks;
    std::vector<std::uint32_t> numbers;  // of these
  };

  static bool read_on(Long& of, std::uint32_t doc);
  static bool stand_at(Long& of, std::uint32_t doc);
  static std::size_t find_in_block(const PostingBlock& block, const std::uint32_t* docs, std::size_t count,
                                   std::uint32_t* places);
  static std::size_t find_in(Long& of, const std::uint32_t* docs, std::size_t count, std::uint32_t* places);
  std::size_t find_in_any(const std::uint32_t* docs, std::size_t count);
  double worth_in(Long& of, std::uint32_t doc) const;

  SegmentSearch& search_;
  double idf_;
  std::uint64_t documents_;
  std::vector<Worth> short_;
  double most_short_ = 0;
  std::vector<Long> long_;
  std::array<std::uint32_t, kBlockDocs + kWriteAhead> places_;
};

}  // namespace prse
