// A folder in memory that remembers what was synced, and can fail or lose power at any call.
#pragma once

#include <map>
#include <memory>
#include <random>
#include <string>

#include "file_system.h"

namespace prse {

// What the disk holds. Shared by the file systems that are opened on it, one after the other.
struct Disk {
  using Bytes = std::shared_ptr<const std::string>;
  std::map<std::string, Bytes> now;      // as programs see it
  std::map<std::string, Bytes> durable;  // as it is after a power cut

  // Everything that was not synced is lost, or kept: a write may reach the disk without being
  // asked to, names in any order. `random` decides for each.
  void cut_power(std::mt19937& random);
};

struct PowerCut {};

class FaultFileSystem : public FileSystem {
 public:
  enum class Fault { kNone, kError, kPowerCut };

  // The `at`th changing call from now (0 the first) meets the fault; after kPowerCut nothing
  // more can be done.
  explicit FaultFileSystem(Disk& disk, Fault fault = Fault::kNone, int at = 0)
      : disk_(disk), fault_(fault), left_(at) {}

  // How many changing calls were made.
  int calls() const { return calls_; }

  std::string path_of(const std::string& name) const override { return "disk/" + name; }
  void make_folder() override {}
  std::vector<std::string> list() const override;
  std::shared_ptr<const FileBytes> open(const std::string& name) const override;
  void write(const std::string& name, std::string_view bytes) override;
  void rename(const std::string& from, const std::string& to) override;
  void remove(const std::string& name) override;
  void sync_folder() override;

 private:
  // Whether this call is to fail half-way; throws PowerCut once the power is off.
  bool meets_fault();
  [[noreturn]] void fail();

  Disk& disk_;
  Fault fault_;
  int left_;
  int calls_ = 0;
  bool off_ = false;
};

}  // namespace prse
