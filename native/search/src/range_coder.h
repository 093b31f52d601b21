// Numbers told in as many bits as they surprise: a range coder (Martin, "Range encoding: an algorithm for removing
// redundancy from a digitised message", 1979) whose bits have probabilities that follow what was told before.
// ../SITE.md says how it is read.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace prse {

// How likely a bit is 0, in 4,096ths; what is told of it brings it nearer to that.
class LikelyBit {
 public:
  static constexpr unsigned kPrecision = 12;
  static constexpr unsigned kInertia = 5;
  // `zeros` of 16 bits are taken to be 0 at first.
  explicit constexpr LikelyBit(unsigned zeros = 8) : zero_(static_cast<std::uint16_t>(zeros << (kPrecision - 4))) {}
  std::uint32_t zero() const { return zero_; }
  void follow(bool bit) {
    if (bit) {
      zero_ = static_cast<std::uint16_t>(zero_ - (zero_ >> kInertia));
    } else {
      zero_ = static_cast<std::uint16_t>(zero_ + (((1U << kPrecision) - zero_) >> kInertia));
    }
  }

 private:
  std::uint16_t zero_;
};

class RangeEncoder {
 public:
  // Appends to `out`, which must not be touched before `finish`.
  explicit RangeEncoder(std::string& out) : out_(out), begin_(out.size()) {}

  void put(LikelyBit& likely, bool bit) {
    const std::uint32_t zeros = (range_ >> LikelyBit::kPrecision) * likely.zero();
    if (bit) {
      low_ += zeros;
      range_ -= zeros;
    } else {
      range_ = zeros;
    }
    likely.follow(bit);
    normalise();
  }

  // One of `count` values that are as likely as one another; `count` is 1 to 65,536.
  void put_one_of(std::uint32_t value, std::uint32_t count) {
    range_ /= count;
    low_ += std::uint64_t{range_} * value;
    normalise();
  }

  // Any number: how wide it is, then its bits below the highest.
  void put_number(std::uint32_t value);

  // The lowest `count` bits of a number, each as likely as not.
  void put_bits(std::uint32_t value, unsigned count);

  // The fewest bytes that tell all: behind the end zeros are read.
  void finish();

 private:
  static constexpr std::uint32_t kLeastRange = std::uint32_t{1} << 24;

  void normalise() {
    while (range_ < kLeastRange) {
      shift();
      range_ <<= 8;
    }
  }

  void shift() {
    carry();
    out_.push_back(static_cast<char>(low_ >> 24));
    low_ = low_ << 8 & UINT32_MAX;
  }

  // What `low_` has above 32 bits is added to the bytes before.
  void carry() {
    if (low_ >> 32 == 0) return;
    for (std::size_t at = out_.size(); static_cast<unsigned char>(++out_[--at]) == 0;) {
    }
    low_ &= UINT32_MAX;
  }

  std::string& out_;
  std::size_t begin_;
  std::uint64_t low_ = 0;
  std::uint32_t range_ = UINT32_MAX;
};

// Small numbers in ones and a zero, of which each so far, and any further one, is as likely as it was before.
template <std::size_t kTold>
class LikelyNumber {
 public:
  constexpr explicit LikelyNumber(const std::array<LikelyBit, kTold>& more) : more_(more) {}

  // One of `count`: of the last there is no zero.
  void put(RangeEncoder& out, std::uint32_t value, std::uint32_t count) {
    for (std::uint32_t here = 0; here + 1 < count; ++here) {
      out.put(more_[std::min<std::size_t>(here, kTold - 1)], value > here);
      if (value == here) break;
    }
  }

 private:
  std::array<LikelyBit, kTold> more_;
};

}  // namespace prse
