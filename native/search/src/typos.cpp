#include "typos.h"

#include <algorithm>

#include "unicode.h"

namespace prse {
namespace {

using Letters = std::u32string;

// Distances of the beginnings of one word after the other from all beginnings of the wanted
// word: optimal string alignment (Damerau, "A technique for computer detection and correction
// of spelling errors", 1964). Rows of the beginning that a word shares with the one before are
// kept, which in a sorted dictionary is most of it.
class Distances {
 public:
  Distances(Letters wanted, std::uint32_t most) : wanted_(std::move(wanted)), most_(most) {
    rows_.emplace_back(wanted_.size() + 1);
    for (std::uint32_t i = 0; i <= wanted_.size(); ++i) rows_[0][i] = i;
  }

  // The distance, or more than `most`.
  std::uint32_t of(const Letters& word) {
    const auto parted = std::mismatch(word.begin(), word.end(), last_.begin(), last_.end());
    std::size_t row = std::min<std::size_t>(parted.first - word.begin(), rows_known_);
    last_ = word;
    for (; row < word.size(); ++row) {
      if (least(row) > most_) {
        rows_known_ = row;
        return most_ + 1;
      }
      add_row(word, row + 1);
    }
    rows_known_ = word.size();
    return rows_[word.size()].back();
  }

 private:
  std::uint32_t least(std::size_t row) const {
    const std::uint32_t here = *std::min_element(rows_[row].begin(), rows_[row].end());
    if (row == 0) return here;
    // A swap reaches over one row.
    return std::min(here, *std::min_element(rows_[row - 1].begin(), rows_[row - 1].end()) + 1);
  }

  void add_row(const Letters& word, std::size_t row) {
    if (rows_.size() <= row) rows_.emplace_back(wanted_.size() + 1);
    std::vector<std::uint32_t>& now = rows_[row];
    const std::vector<std::uint32_t>& before = rows_[row - 1];
    now[0] = static_cast<std::uint32_t>(row);
    for (std::size_t i = 1; i <= wanted_.size(); ++i) {
      const std::uint32_t replaced = before[i - 1] + (word[row - 1] == wanted_[i - 1] ? 0 : 1);
      now[i] = std::min({before[i] + 1, now[i - 1] + 1, replaced});
      if (row > 1 && i > 1 && word[row - 1] == wanted_[i - 2] && word[row - 2] == wanted_[i - 1]) {
        now[i] = std::min(now[i], rows_[row - 2][i - 2] + 1);
      }
    }
  }

  Letters wanted_;
  std::uint32_t most_;
  Letters last_;
  std::size_t rows_known_ = 0;
  std::vector<std::vector<std::uint32_t>> rows_;
};

}  // namespace

std::uint32_t edits_allowed(std::string_view word) {
  const bool digit = std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::size_t letters = code_points(word).size();
  if (digit || letters < 4) return 0;
  return letters < 8 ? 1 : 2;
}

std::vector<Typo> find_typos(const Dictionary& dictionary, char kind, std::string_view word,
                             std::uint32_t edits) {
  std::vector<Typo> typos;
  if (edits == 0) return typos;
  Distances distances(code_points(word), edits);
  for (auto term = dictionary.lower_bound(std::string(1, kind)); term.valid() && term.key()[0] == kind;
       term.next()) {
    const std::uint32_t distance = distances.of(code_points(std::string_view(term.key()).substr(1)));
    if (distance > 0 && distance <= edits) typos.push_back({term.key(), distance});
  }
  return typos;
}

}  // namespace prse
