#include "site_words.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "bytes.h"
#include "range_coder.h"
#include "status.h"
#include "unicode.h"

namespace prse {
namespace {

using Letters = std::u32string;

constexpr std::size_t kMostLetters = 64;
constexpr std::size_t kToldShared = 8;
// A letter is as likely as it was behind the one before: of so many these are told apart.
constexpr std::uint32_t kContexts = 64;

// One of an alphabet's letters, bit by bit, the highest first, by the letter before.
class LikelyLetters {
 public:
  explicit LikelyLetters(std::size_t letters)
      : width_(static_cast<unsigned>(std::bit_width(letters - 1))), likely_(std::size_t{kContexts} << width_) {}

  void put(RangeEncoder& out, std::uint32_t before, std::uint32_t letter) {
    const std::size_t first = std::size_t{before % kContexts} << width_;
    std::size_t above = 1;
    for (unsigned left = width_; left > 0; --left) {
      const bool bit = (letter >> (left - 1) & 1) != 0;
      out.put(likely_[first + above], bit);
      above = 2 * above + (bit ? 1 : 0);
    }
  }

 private:
  unsigned width_;
  std::vector<LikelyBit> likely_;
};

}  // namespace

std::string site_words(std::span<const std::string_view> words) {
  std::vector<Letters> every;
  Letters alphabet;
  for (const std::string_view word : words) {
    Letters letters = code_points(word);
    if (letters.empty() || letters.size() > kMostLetters || (!every.empty() && letters.size() < every.back().size())) {
      fail_invalid("words of a list have 1 to 64 letters, none more than the next");
    }
    alphabet += letters;
    every.push_back(std::move(letters));
  }
  std::sort(alphabet.begin(), alphabet.end());
  alphabet.erase(std::unique(alphabet.begin(), alphabet.end()), alphabet.end());

  std::string out;
  put_varint(out, words.size());
  put_varint(out, alphabet.size());
  for (const char32_t letter : alphabet) put_varint(out, letter);
  if (words.empty()) return out;

  RangeEncoder coder(out);
  LikelyNumber<1> longer({LikelyBit{15}});
  LikelyNumber<kToldShared> shared({LikelyBit{2}, LikelyBit{3}, LikelyBit{4}, LikelyBit{6}, LikelyBit{8}, LikelyBit{10},
                                    LikelyBit{10}, LikelyBit{10}});
  LikelyLetters likely(alphabet.size());
  Letters before;
  for (const Letters& word : every) {
    longer.put(coder, static_cast<std::uint32_t>(word.size() - before.size()), kMostLetters + 1);
    const std::size_t most = std::min(before.size(), word.size() - 1);
    const auto end = std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(most), word.begin()).second;
    const auto same = static_cast<std::size_t>(end - word.begin());
    shared.put(coder, static_cast<std::uint32_t>(same), static_cast<std::uint32_t>(most + 1));
    const auto number = [&](std::size_t at) {
      return static_cast<std::uint32_t>(std::lower_bound(alphabet.begin(), alphabet.end(), word[at]) - alphabet.begin());
    };
    for (std::size_t at = same; at < word.size(); ++at) likely.put(coder, at > 0 ? number(at - 1) + 1 : 0, number(at));
    before = word;
  }
  coder.finish();
  return out;
}

}  // namespace prse
