// SPDX-License-Identifier: BSD-2-Clause
#include "hostfs/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "hostfs/attributes.h"
#include "hostfs/fd.h"
#include "hostfs/host_error.h"

namespace tsbhyve::hostfs {

namespace {

constexpr std::size_t MOST_BYTES = std::size_t{64} * 1024 * 1024;
constexpr std::size_t ENTRY_HEADER = 24;
constexpr int LINUX_EOVERFLOW = 75;
constexpr std::uint8_t QID_FOLDER = 0x80, QID_LINK = 0x02;
/// Offsets below are those of `.` and `..`, and of the start.
constexpr std::uint64_t FIRST_OFFSET = 4;

struct Entry {
  std::uint64_t offset;
  std::uint64_t file;
  std::uint8_t type;
  std::string name;
};

std::uint8_t type_of(int folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat found {};
  if (fstatat(folder, entry.d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<std::uint8_t>(IFTODT(found.st_mode));
}

template <class Number>
void put(std::vector<std::uint8_t>& bytes, Number value) {
  for (std::size_t at = 0; at < sizeof value; at++) bytes.push_back(static_cast<std::uint8_t>(value >> 8 * at));
}

void put_entry(std::vector<std::uint8_t>& bytes, const Entry& entry) {
  const bool is_folder = entry.type == DT_DIR, is_link = entry.type == DT_LNK;
  put(bytes, static_cast<std::uint8_t>(is_folder ? QID_FOLDER : is_link ? QID_LINK : 0));
  put(bytes, std::uint32_t{0});  // no version: a guest asks for attributes before it believes what it has cached
  put(bytes, entry.file);
  put(bytes, entry.offset);
  put(bytes, entry.type);
  put(bytes, static_cast<std::uint16_t>(entry.name.size()));
  bytes.insert(bytes.end(), entry.name.begin(), entry.name.end());
}

}  // namespace

std::uint64_t entry_offset(const char* name) {
  const std::string_view text(name);
  if (text == ".") return 1;
  if (text == "..") return 2;
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;  // its weak upper bits decide about the order
  return ((hash ^ (hash >> 33)) >> 1) | FIRST_OFFSET;
}

int list_folder(int root, int folder, bool is_root, std::vector<std::uint8_t>& bytes) {
  Fd own(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!own) return failure();
  Attributes here{};
  if (const int error = attributes(root, folder, "", here); error != 0) return error;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(own.get()), closedir);
  if (!stream) return failure();
  own.release();
  const std::uint64_t device = device_of(folder), root_device = device_of(root);
  std::vector<Entry> entries;
  std::size_t size = 0;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(stream.get());
    if (entry == nullptr) break;
    const bool is_parent = std::strcmp(entry->d_name, "..") == 0;
    // What is above the root is nobody's business.
    const std::uint64_t file =
        is_root && is_parent ? here.file : file_number(std::uint64_t{entry->d_ino}, device, root_device);
    entries.push_back({entry_offset(entry->d_name), file, type_of(dirfd(stream.get()), *entry), entry->d_name});
    size += ENTRY_HEADER + entries.back().name.size();
    if (size > MOST_BYTES) return -LINUX_EOVERFLOW;
  }
  if (errno != 0) return failure();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.name < b.name;
  });
  bytes.clear();
  bytes.reserve(size);
  for (const Entry& entry : entries) put_entry(bytes, entry);
  return 0;
}

}  // namespace tsbhyve::hostfs
