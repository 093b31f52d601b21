#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "file_system.h"
#include "status.h"

namespace prse {
namespace {

[[noreturn]] void fail_io(const std::string& path, const char* what, int error) {
  throw Error(PRSE_IO, path + ": cannot " + what + ": " + std::strerror(error));
}

// A file descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

class Mapping : public FileBytes {
 public:
  Mapping(void* address, std::size_t length) : address_(address), length_(length) {}
  ~Mapping() override {
    if (length_ > 0) ::munmap(address_, length_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::string_view bytes() const override { return {static_cast<const char*>(address_), length_}; }

 private:
  void* address_;
  std::size_t length_;
};

class PosixFileSystem : public FileSystem {
 public:
  explicit PosixFileSystem(std::string folder) : folder_(std::move(folder)) {}

  std::string path_of(const std::string& name) const override { return folder_ + "/" + name; }

  void make_folder() override {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) fail_io(folder_, "make the folder", error.value());
  }

  std::vector<std::string> list() const override {
    std::vector<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator entries(folder_, error);
    if (error == std::errc::no_such_file_or_directory) return names;
    for (const auto end = std::filesystem::directory_iterator(); !error && entries != end;
         entries.increment(error)) {
      names.push_back(entries->path().filename().string());
    }
    if (error) fail_io(folder_, "list the folder", error.value());
    return names;
  }

  std::shared_ptr<const FileBytes> open(const std::string& name) const override {
    const std::string path = path_of(name);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return nullptr;
      fail_io(path, "open", errno);
    }
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) fail_io(path, "stat", errno);
    const auto length = static_cast<std::size_t>(info.st_size);
    if (length == 0) return std::make_shared<Mapping>(nullptr, 0);
    void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, file.get(), 0);
    if (address == MAP_FAILED) fail_io(path, "map", errno);
    return std::make_shared<Mapping>(address, length);
  }

  void write(const std::string& name, std::string_view bytes) override {
    const std::string path = path_of(name);
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) fail_io(path, "create", errno);
    while (!bytes.empty()) {
      const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        fail_io(path, "write", errno);
      }
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) fail_io(path, "sync", errno);
  }

  void rename(const std::string& from, const std::string& to) override {
    if (::rename(path_of(from).c_str(), path_of(to).c_str()) != 0) {
      fail_io(path_of(to), "put a new file in place", errno);
    }
  }

  void remove(const std::string& name) override {
    if (::unlink(path_of(name).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
      fail_io(path_of(name), "remove", errno);
    }
  }

  void sync_folder() override {
    const Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) fail_io(folder_, "open the folder", errno);
    if (::fsync(folder.get()) != 0) fail_io(folder_, "sync the folder", errno);
  }

 private:
  std::string folder_;
};

}  // namespace

std::unique_ptr<FileSystem> posix_file_system(const std::string& folder) {
  return std::make_unique<PosixFileSystem>(folder);
}

}  // namespace prse
