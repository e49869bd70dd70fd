// SPDX-License-Identifier: BSD-2-Clause
// LD_PRELOAD library: writes down every change that a process makes to one folder, and makes such changes fail. What it
// cannot describe is logged as `unknown`, so that nobody trusts the log then. The log's words are those of
// test/crash/store-log.ts.
#include <dlfcn.h>
#include <sys/uio.h>

#include <cstdarg>

#include "journal.h"

using crash_shim::Call;
using crash_shim::Place;
using crash_shim::Turn;
using crash_shim::watched;

namespace {

/// The function that would have been called.
template <class Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}
#define NEXT(name) static const auto real = next(&::name, #name)

std::string words(const char* word, std::initializer_list<std::uint64_t> numbers) {
  std::string line = word;
  for (const std::uint64_t number : numbers) line += " " + std::to_string(number);
  return line;
}

std::string hex(const void* bytes, size_t count) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * count);
  for (size_t i = 0; i < count; i++) {
    const unsigned byte = static_cast<const unsigned char*>(bytes)[i];
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

int open_recorded(int base, const char* path, int flags, mode_t mode) {
  NEXT(openat);
  const Place place(base, path);
  if (!place.watched()) return real(base, path, flags, mode);
  Turn turn;
  const bool creates = (flags & O_CREAT) && place.inode() == 0;
  if (creates && turn.fails(Call::Create)) return -1;
  const int fd = real(base, path, flags, mode);
  if (fd < 0) return fd;
  if (creates)
    turn.record("create " + place.text() + words("", {place.inode(), mode}));
  else if (flags & O_TRUNC)
    turn.record(words("resize", {place.inode(), 0}));
  return fd;
}

mode_t mode_of(int flags, va_list& rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

ssize_t write_recorded(int fd, const void* bytes, size_t count, off_t at,
                       ssize_t (*work)(int, const void*, size_t, off_t)) {
  if (!watched(fd)) return work(fd, bytes, count, at);
  Turn turn;
  if (turn.fails(Call::Write)) return -1;
  const off_t offset = at >= 0 ? at : lseek(fd, 0, SEEK_CUR);
  const ssize_t done = work(fd, bytes, turn.part(count), at);
  if (done > 0) {
    turn.record(words("write", {crash_shim::inode(fd), static_cast<std::uint64_t>(offset)}) + " " +
                hex(bytes, static_cast<size_t>(done)));
  }
  return done;
}

/// As one write, which may do less as any other.
ssize_t gathered(int fd, const iovec* parts, int count, off_t at) {
  std::string bytes;
  for (int part = 0; part < count; part++)
    bytes.append(static_cast<const char*>(parts[part].iov_base), parts[part].iov_len);
  static const auto real = next(&::pwrite, "pwrite");
  return write_recorded(fd, bytes.data(), bytes.size(), at, real);
}

int resize_recorded(int fd, off_t size, int (*work)(int, off_t)) {
  if (!watched(fd)) return work(fd, size);
  Turn turn;
  if (turn.fails(Call::Resize)) return -1;
  const int result = work(fd, size);
  if (result == 0) turn.record(words("resize", {crash_shim::inode(fd), static_cast<std::uint64_t>(size)}));
  return result;
}

int allocate_recorded(int fd, int mode, off_t offset, off_t length, int (*work)(int, int, off_t, off_t)) {
  if (!watched(fd)) return work(fd, mode, offset, length);
  Turn turn;
  if (turn.fails(Call::Allocate)) return -1;
  const int result = work(fd, mode, offset, length);
  if (result != 0) return result;
  if (mode == 0) {
    turn.record(words("allocate", {crash_shim::inode(fd), static_cast<std::uint64_t>(offset + length)}));
  } else if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
    turn.record(words("punch",
                      {crash_shim::inode(fd), static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(length)}));
  } else {
    turn.record("unknown fallocate");
  }
  return result;
}

int rename_recorded(int from_base, const char* from, int to_base, const char* to, unsigned flags) {
  NEXT(renameat2);
  const Place source(from_base, from), target(to_base, to);
  if (!source.watched() && !target.watched()) return real(from_base, from, to_base, to, flags);
  Turn turn;
  if (turn.fails(Call::Rename)) return -1;
  const int result = real(from_base, from, to_base, to, flags);
  if (result != 0) return result;
  const bool known = source.watched() && target.watched() && flags == 0;
  turn.record(known ? "rename " + source.text() + " " + target.text() : "unknown rename");
  return result;
}

int remove_recorded(int base, const char* path, int flags) {
  NEXT(unlinkat);
  const Place place(base, path);
  if (!place.watched()) return real(base, path, flags);
  Turn turn;
  if (turn.fails(Call::Remove)) return -1;
  const int result = real(base, path, flags);
  if (result == 0) turn.record("remove " + place.text());
  return result;
}

int folder_recorded(int base, const char* path, mode_t mode) {
  NEXT(mkdirat);
  const Place place(base, path);
  if (!place.watched()) return real(base, path, mode);
  Turn turn;
  constexpr char mark[] = ".mark-";
  if (place.name.rfind(mark, 0) == 0) {  // how the watched program says where it is
    turn.record("mark " + place.name.substr(sizeof mark - 1));
    return 0;
  }
  if (turn.fails(Call::Folder)) return -1;
  const int result = real(base, path, mode);
  if (result == 0) turn.record("folder " + place.text() + words("", {place.inode(), mode}));
  return result;
}

int sync_recorded(int fd, int (*work)(int)) {
  if (!watched(fd)) return work(fd);
  Turn turn;
  if (turn.fails(Call::Sync)) return -1;
  const int result = work(fd);
  if (result == 0) turn.record(words("sync", {crash_shim::inode(fd)}));
  return result;
}

template <class Work>
auto unknown(bool concerned, const char* name, Work work) {
  if (!concerned) return work();
  const Turn turn;
  turn.record(std::string("unknown ") + name);
  return work();
}

}  // namespace

extern "C" {
#pragma GCC visibility push(default)

#define OPEN(name, parameters, base)               \
  int name parameters {                            \
    va_list rest;                                  \
    va_start(rest, flags);                         \
    const mode_t mode = mode_of(flags, rest);      \
    va_end(rest);                                  \
    return open_recorded(base, path, flags, mode); \
  }
OPEN(open, (const char* path, int flags, ...), AT_FDCWD)
OPEN(open64, (const char* path, int flags, ...), AT_FDCWD)
OPEN(openat, (int base, const char* path, int flags, ...), base)
OPEN(openat64, (int base, const char* path, int flags, ...), base)

ssize_t write(int fd, const void* bytes, size_t count) {
  NEXT(write);
  return write_recorded(fd, bytes, count, -1, [](int f, const void* b, size_t n, off_t) { return real(f, b, n); });
}
ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) {
  NEXT(pwrite);
  return write_recorded(fd, bytes, count, at, real);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) { return pwrite(fd, bytes, count, at); }

int ftruncate(int fd, off_t size) noexcept {
  NEXT(ftruncate);
  return resize_recorded(fd, size, real);
}
int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
  NEXT(fallocate);
  return allocate_recorded(fd, mode, offset, length, real);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

int rename(const char* from, const char* to) noexcept { return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_base, const char* from, int to_base, const char* to) noexcept {
  return rename_recorded(from_base, from, to_base, to, 0);
}
int renameat2(int from_base, const char* from, int to_base, const char* to, unsigned flags) noexcept {
  return rename_recorded(from_base, from, to_base, to, flags);
}

int unlink(const char* path) noexcept { return remove_recorded(AT_FDCWD, path, 0); }
int unlinkat(int base, const char* path, int flags) noexcept { return remove_recorded(base, path, flags); }
int rmdir(const char* path) noexcept { return remove_recorded(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char* path, mode_t mode) noexcept { return folder_recorded(AT_FDCWD, path, mode); }
int mkdirat(int base, const char* path, mode_t mode) noexcept { return folder_recorded(base, path, mode); }

int chmod(const char* path, mode_t mode) noexcept {
  NEXT(chmod);
  const Place place(AT_FDCWD, path);
  if (!place.watched()) return real(path, mode);
  Turn turn;
  if (turn.fails(Call::Mode)) return -1;
  const int result = real(path, mode);
  if (result == 0) turn.record(words("mode", {place.inode(), mode}));
  return result;
}
int fchmod(int fd, mode_t mode) noexcept {
  NEXT(fchmod);
  if (!watched(fd)) return real(fd, mode);
  Turn turn;
  if (turn.fails(Call::Mode)) return -1;
  const int result = real(fd, mode);
  if (result == 0) turn.record(words("mode", {crash_shim::inode(fd), mode}));
  return result;
}

int fsync(int fd) {
  NEXT(fsync);
  return sync_recorded(fd, real);
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  return sync_recorded(fd, real);
}

ssize_t writev(int fd, const iovec* parts, int count) {
  NEXT(writev);
  return unknown(watched(fd), "writev", [&] { return real(fd, parts, count); });
}
ssize_t pwritev(int fd, const iovec* parts, int count, off_t at) {
  NEXT(pwritev);
  return watched(fd) ? gathered(fd, parts, count, at) : real(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t at) { return pwritev(fd, parts, count, at); }
int link(const char* from, const char* to) noexcept {
  NEXT(link);
  return unknown(Place(AT_FDCWD, to).watched(), "link", [&] { return real(from, to); });
}
int symlink(const char* from, const char* to) noexcept {
  NEXT(symlink);
  return unknown(Place(AT_FDCWD, to).watched(), "symlink", [&] { return real(from, to); });
}

#pragma GCC visibility pop
}
