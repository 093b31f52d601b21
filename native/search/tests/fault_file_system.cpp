#include "fault_file_system.h"

#include <set>

#include "status.h"

namespace prse {
namespace {

class Held : public FileBytes {
 public:
  explicit Held(Disk::Bytes bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return *bytes_; }

 private:
  Disk::Bytes bytes_;
};

}  // namespace

void Disk::cut_power(std::mt19937& random) {
  std::set<std::string> names;
  for (const auto& [name, bytes] : now) names.insert(name);
  for (const auto& [name, bytes] : durable) names.insert(name);
  for (const std::string& name : names) {
    if (random() % 2 == 0) continue;  // this change did not reach the disk
    if (now.contains(name)) {
      durable[name] = now[name];
    } else {
      durable.erase(name);
    }
  }
  now = durable;
}

bool FaultFileSystem::meets_fault() {
  if (off_) throw PowerCut();
  ++calls_;
  return fault_ != Fault::kNone && left_-- == 0;
}

void FaultFileSystem::fail() {
  if (fault_ == Fault::kPowerCut) {
    off_ = true;
    throw PowerCut();
  }
  throw Error(PRSE_IO, "disk: no space left");
}

std::vector<std::string> FaultFileSystem::list() const {
  std::vector<std::string> names;
  for (const auto& [name, bytes] : disk_.now) names.push_back(name);
  return names;
}

std::shared_ptr<const FileBytes> FaultFileSystem::open(const std::string& name) const {
  const auto found = disk_.now.find(name);
  if (found == disk_.now.end()) return nullptr;
  return std::make_shared<Held>(found->second);
}

void FaultFileSystem::write(const std::string& name, std::string_view bytes) {
  const bool fault = meets_fault();
  const std::size_t written = fault ? bytes.size() / 2 : bytes.size();
  disk_.now[name] = std::make_shared<const std::string>(bytes.substr(0, written));
  if (fault) fail();
  // Its bytes are synced; where its name was durable already, the file behind it is this one.
  if (disk_.durable.contains(name)) disk_.durable[name] = disk_.now[name];
}

void FaultFileSystem::rename(const std::string& from, const std::string& to) {
  if (meets_fault()) fail();
  disk_.now[to] = disk_.now.at(from);
  disk_.now.erase(from);
}

void FaultFileSystem::remove(const std::string& name) {
  if (meets_fault()) fail();
  disk_.now.erase(name);
}

void FaultFileSystem::sync_folder() {
  if (meets_fault()) fail();
  disk_.durable = disk_.now;
}

}  // namespace prse
