// The little the engine asks of a file system, so that tests can fail or cut it at every call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace prse {

// A file's bytes, readable as long as this lives, also after the file was removed.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  virtual std::string_view bytes() const = 0;
};

// One folder. Names are plain file names in it. Failures are PRSE_IO.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // For messages.
  virtual std::string path_of(const std::string& name) const = 0;

  // Make the folder itself if there is none.
  virtual void make_folder() = 0;

  // Names of the files; none when there is no folder.
  virtual std::vector<std::string> list() const = 0;

  // Null when there is no such file.
  virtual std::shared_ptr<const FileBytes> open(const std::string& name) const = 0;

  // Write a whole new file, in place of any of this name, and sync its bytes. Its name is
  // durable only after `sync_folder`.
  virtual void write(const std::string& name, std::string_view bytes) = 0;

  // Atomically give the file another name, replacing the file that had it.
  virtual void rename(const std::string& from, const std::string& to) = 0;

  // No error when there is no such file.
  virtual void remove(const std::string& name) = 0;

  // Make the names durable.
  virtual void sync_folder() = 0;
};

// A folder of the operating system; files are mapped into memory.
std::unique_ptr<FileSystem> posix_file_system(const std::string& folder);

}  // namespace prse
