// SPDX-License-Identifier: BSD-2-Clause
// What a host file is, as numbers for TypeScript; src/hypervisor/folder-calls.ts names the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tsbhyve::hostfs {

struct Attributes {
  std::uint64_t mode, uid, gid, links, device, size, block_size, blocks;
  std::uint64_t access_seconds, access_nanoseconds, modify_seconds, modify_nanoseconds;
  std::uint64_t change_seconds, change_nanoseconds;
  /// Nanoseconds since 1970 at which it was made; 0 if the host does not know.
  std::uint64_t born;
  /// Tells it from all others of the folder.
  std::uint64_t file;
};
inline constexpr std::size_t ATTRIBUTE_WORDS = sizeof(Attributes) / sizeof(std::uint64_t);

/// The number of a file: its inode's, and another one for what is mounted within the folder.
std::uint64_t file_number(std::uint64_t inode, std::uint64_t device, std::uint64_t root_device);
/// Of the file system that a folder is on; or 0.
std::uint64_t device_of(int fd);

/// 0 or an error. `name` "" is `folder` itself; a symbolic link is not followed.
int attributes(int root, int folder, const char* name, Attributes& found);

}  // namespace tsbhyve::hostfs
