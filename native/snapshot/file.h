// SPDX-License-Identifier: BSD-2-Clause
// A file of a snapshot, with reads and writes that are whole or an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tsbhyve::snapshot {

/// What ended a job: an errno, or a code of our own with number 0.
struct Failure {
  std::string code;
  int number;
  std::string message;
};

class File {
 public:
  /// A duplicate of `fd`, so that the caller may close its own. Locks are shared with it.
  explicit File(int fd);
  ~File();
  File(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  void close();
  std::uint64_t size() const;
  /// When its contents were last written, in nanoseconds.
  std::uint64_t changed_at() const;
  void resize(std::uint64_t bytes) const;
  /// Takes disk space now, so that a full disk is found before anything is written.
  void reserve(std::uint64_t offset, std::uint64_t bytes) const;
  void read(std::uint8_t* to, std::size_t bytes, std::uint64_t offset) const;
  void write(const std::uint8_t* from, std::size_t bytes, std::uint64_t offset) const;
  void sync() const;
  /// The next byte at or after `offset` that is not in a hole, or the file's size.
  std::uint64_t next_data(std::uint64_t offset, std::uint64_t size) const;

 private:
  int fd_;
};

[[noreturn]] void fail_errno(const char* call);

}  // namespace tsbhyve::snapshot
