// SPDX-License-Identifier: BSD-2-Clause
// The calls on files below a folder that a guest can ask for. Paths are as in beneath.h, symbolic links are never
// followed, flags and errors are those of 9P2000.L. Everything gives back an error as a negative number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hostfs/attributes.h"

namespace tsbhyve::hostfs {

/// Of Tlopen and Tlcreate.
enum OpenFlag : std::uint32_t {
  ACCESS = 03,
  WRITE_ONLY = 01,
  READ_WRITE = 02,
  EXCLUSIVE = 0200,
  TRUNCATE = 01000,
  APPEND = 02000,
  DATA_SYNC = 010000,
  FOLDER_ONLY = 0200000,
  SYNC = 04000000,
};

struct Time {
  enum class Kind : std::uint32_t { Keep, Now, Given } kind;
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

/// The folder to be shared; where its own path leads is its owner's business.
int open_root(const std::string& path);

int stat_path(int root, const std::string& path, Attributes& found);
/// Opens a regular file or a folder; anything else would be a way to a device or another program: ENXIO.
int open_path(int root, const std::string& path, std::uint32_t flags);
/// Makes a file that was not there: EEXIST.
int create_file(int root, const std::string& path, std::uint32_t flags, std::uint32_t mode);
int make_folder(int root, const std::string& path, std::uint32_t mode);
int make_symlink(int root, const std::string& path, const std::string& target);
int make_link(int root, const std::string& from, const std::string& to);
int rename_path(int root, const std::string& from, const std::string& to);
int remove_path(int root, const std::string& path, bool is_folder);
int read_link(int root, const std::string& path, std::string& target);
int set_mode(int root, const std::string& path, std::uint32_t mode);
/// All ones: as it is.
int set_owner(int root, const std::string& path, std::uint32_t uid, std::uint32_t gid);
int set_times(int root, const std::string& path, const Time& access, const Time& modify);
int set_size(int root, const std::string& path, std::uint64_t size);

/// Of an open file. Bytes moved, or an error.
std::int64_t read_file(int fd, std::uint64_t offset, std::span<std::uint8_t> bytes);
std::int64_t write_file(int fd, std::uint64_t offset, std::span<const std::uint8_t> bytes);
int set_file_size(int fd, std::uint64_t size);
int sync_file(int fd, bool only_data);

struct Space {
  std::uint64_t block_size, blocks, free, available, files, free_files, name_length;
};
inline constexpr std::size_t SPACE_WORDS = sizeof(Space) / sizeof(std::uint64_t);
int space_of(int root, Space& found);

}  // namespace tsbhyve::hostfs
