// SPDX-License-Identifier: BSD-2-Clause
// Raw images: pieces of memory, both ways past and through the host's cache, bounds, holes, and hosts that fail.
#include "disk/raw_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>

#include "../check.h"
#include "../content.h"

using test::Bytes;
using test::pattern;
using test::require;
using tsbhyve::disk::RawImage;

namespace {

/// A file without a name, for as long as this lives; in the folder of the test, because /tmp may know no O_DIRECT.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Bytes& content, int flags = 0) {
    char path[] = "disk-test-XXXXXX";
    const int plain = mkstemp(path);
    if (plain < 0 || pwrite(plain, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) {
      std::abort();
    }
    fd = open(path, O_RDWR | flags);
    plain_ = plain;
    unlink(path);
  }
  ~TemporaryFile() {
    if (fd >= 0) close(fd);
    close(plain_);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Bytes content() const {
    Bytes bytes(static_cast<std::size_t>(lseek(plain_, 0, SEEK_END)));
    if (pread(plain_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
    return bytes;
  }
  void resize(std::size_t bytes) const {
    if (ftruncate(plain_, static_cast<off_t>(bytes)) != 0) std::abort();
  }

  /// -1 if the file system does not take these flags.
  int fd = -1;

 private:
  int plain_ = -1;
};

int write(RawImage& image, Bytes bytes, std::uint64_t offset) {
  iovec part{bytes.data(), bytes.size()};
  return image.write(&part, 1, offset);
}

void moves_pieces() {
  const TemporaryFile file(pattern(8192 + 100));
  RawImage image(file.fd, false);
  require(image.capacity() == 8192, "as many whole sectors as the file");
  Bytes first(100, 1), second(412, 2);
  iovec out[] = {{first.data(), 100}, {nullptr, 0}, {second.data(), 412}};
  require(image.write(out, 3, 512) == 0, "a write of three pieces, one of them empty");
  Bytes one(99), two(413);
  iovec in[] = {{one.data(), 99}, {two.data(), 413}};
  require(image.read(in, 2, 512) == 0 && one == Bytes(99, 1) && two[0] == 1 && two[1] == 2, "a read of two");
  require(file.content()[511] == pattern(512)[511] && file.content()[1024] == pattern(1025)[1024],
          "nothing else has changed");
}

void has_more_pieces_than_the_system_takes_at_once() {
  const Bytes content = pattern(512 * 2500);
  const TemporaryFile file(content);
  RawImage image(file.fd, false);
  Bytes read(content.size());
  std::vector<iovec> parts;
  for (std::size_t at = 0; at < read.size(); at += 512) parts.push_back({read.data() + at, 512});
  require(image.read(parts.data(), static_cast<int>(parts.size()), 0) == 0 && read == content, "2500 pieces");
}

/// Every offset and length in sectors, memory at every 8 bytes: equal to a disk in an array.
void is_right_however_it_is_cut(int flags, const char* name) {
  Bytes model = pattern(64 * 1024);
  const TemporaryFile file(model, flags);
  if (file.fd < 0) {
    std::printf("skipped, %s: the file system of the working folder knows no O_DIRECT\n", name);
    return;
  }
  RawImage image(file.fd, flags != 0);
  unsigned seed = 12345;
  const auto random = [&seed](unsigned below) { return (seed = seed * 1103515245 + 12345) / 65536 % below; };
  for (int round = 0; round < 400; round++) {
    const std::size_t offset = 512 * random(100), length = 512 * (1 + random(28)), cut = 8 * random(64);
    Bytes memory = pattern(length + 8, random(200));
    std::uint8_t* const start = memory.data() + 8 * random(2);
    iovec parts[] = {{start, cut}, {start + cut, length - cut}};
    if (random(2)) {
      std::copy_n(start, length, model.begin() + static_cast<std::ptrdiff_t>(offset));
      require(image.write(parts, 2, offset) == 0, std::string(name) + ": a write");
    } else {
      require(image.read(parts, 2, offset) == 0 &&
                  std::equal(start, start + length, model.begin() + static_cast<std::ptrdiff_t>(offset)),
              std::string(name) + ": a read");
    }
  }
  require(file.content() == model, std::string(name) + ": the file in the end");
}

void never_grows() {
  const TemporaryFile file(pattern(4096));
  RawImage image(file.fd, false);
  require(write(image, Bytes(1024), 4096 - 512) == EINVAL && write(image, Bytes(512), 4096) == EINVAL, "writes");
  require(image.zero(4096 - 512, 1024, false) == EINVAL && image.discard(~0ull - 511, 1024) == EINVAL, "ranges");
  require(file.content() == pattern(4096), "nothing has changed");
}

void a_file_that_became_shorter_is_an_error() {
  const TemporaryFile file(pattern(4096));
  RawImage image(file.fd, false);
  file.resize(100);
  Bytes bytes(512);
  iovec part{bytes.data(), 512};
  require(image.read(&part, 1, 0) == EIO, "a short read");
}

void zeroes_and_gives_back() {
  for (const bool unmap : {false, true}) {
    const TemporaryFile file(pattern(1 << 20));
    RawImage image(file.fd, false);
    require(image.zero(512, 600 * 1024, unmap) == 0, "zeroes");
    Bytes expected = pattern(1 << 20);
    std::fill_n(expected.begin() + 512, 600 * 1024, std::uint8_t{0});
    require(file.content() == expected, "exactly the range");
    if (!image.can_discard()) {
      std::printf("skipped, discards: the file system of the working folder gives no space back\n");
      continue;
    }
    struct stat before, after;
    fstat(file.fd, &before);
    require(image.discard(700 * 1024, 128 * 1024) == 0, "discards");
    fstat(file.fd, &after);
    require(after.st_blocks < before.st_blocks && after.st_size == 1 << 20, "space comes back, the size stays");
  }
}

void refuses_what_is_no_disk() {
  const auto message = [](int fd) -> std::string {
    try {
      const RawImage image(fd, false);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  const TemporaryFile small(pattern(511));
  require(message(small.fd) == "511 bytes; at least 512 are accepted", "less than a sector");
  int pipes[2];
  require(pipe(pipes) == 0 && message(pipes[0]).starts_with("not a disk"), "a pipe");
  require(message(-1).find("Bad file descriptor") != std::string::npos, "nothing");
}

/// A host without room: what was written is told as it is.
void says_that_the_host_is_full() {
  const TemporaryFile file(pattern(512));
  file.resize(1 << 20);
  RawImage image(file.fd, false);
  rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{4096, limit.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  require(write(image, Bytes(8192, 7), 0) == EFBIG, "a write that the host takes half of fails");
  require(write(image, Bytes(512, 7), 0) == 0, "a write that fits does not");
  setrlimit(RLIMIT_FSIZE, &limit);
}

/// Pages whose bytes the host has in memory are there at once; for others somebody has to wait.
void reads_from_the_cache_alone() {
  constexpr std::uint64_t half = 2 << 20;  // no page of the cache is larger
  const Bytes content = pattern(2 * half);
  const TemporaryFile file(content);
  Bytes bytes(1024);
  iovec parts[] = {{bytes.data(), 100}, {bytes.data() + 100, 924}};
  if (preadv2(file.fd, parts, 2, 0, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP) {
    std::printf("skipped, reads from the cache: the file system of the working folder cannot tell what is there\n");
    return;
  }
  RawImage image(file.fd, false);
  require(image.read_cached(parts, 2, 4096 - 512) == 0 &&
              std::equal(bytes.begin(), bytes.end(), content.begin() + 4096 - 512),
          "what was just written");
  require(image.read_cached(parts, 2, 2 * half - 512) == EAGAIN, "past the end");
  // Only clean pages can be thrown out, and only from file systems on a disk.
  if (fdatasync(file.fd) != 0 || posix_fadvise(file.fd, half, 0, POSIX_FADV_DONTNEED) != 0) std::abort();
  if (preadv2(file.fd, parts, 2, half, RWF_NOWAIT) > 0) {
    std::printf("skipped, pages that are not in the cache: the file system of the working folder keeps them\n");
    return;
  }
  require(image.read_cached(parts, 2, half - 512) == EAGAIN, "half of it is not there");
  require(image.read(parts, 2, half - 512) == 0 && bytes[1023] == content[half + 511],
          "a read that may wait brings it");
}

void does_not_wait_past_the_cache() {
  const TemporaryFile file(pattern(8192), O_DIRECT);
  if (file.fd < 0) return;  // is_right_however_it_is_cut says so
  RawImage image(file.fd, true);
  alignas(4096) std::uint8_t bytes[4096];
  const iovec part{bytes, sizeof bytes};
  require(image.read_cached(&part, 1, 0) == EAGAIN, "a disk without a cache");
}

/// As guest memory whose snapshot was cut short: the system call fails, our own access does what it can.
void memory_that_the_kernel_cannot_reach_goes_through_a_buffer() {
  const TemporaryFile file(pattern(4096));
  RawImage image(file.fd, false);
  auto* pages = static_cast<std::uint8_t*>(mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  static std::uint8_t* faulting;
  faulting = pages;
  struct sigaction action {};
  action.sa_handler = [](int) { mprotect(faulting, 4096, PROT_READ | PROT_WRITE); };
  sigaction(SIGSEGV, &action, nullptr);
  iovec part{pages, 4096};
  require(image.read(&part, 1, 0) == 0 && std::equal(pages, pages + 4096, pattern(4096).begin()), "a read arrives");
  std::signal(SIGSEGV, SIG_DFL);
  munmap(pages, 4096);
}

}  // namespace

int main() {
  moves_pieces();
  has_more_pieces_than_the_system_takes_at_once();
  is_right_however_it_is_cut(0, "through the cache");
  is_right_however_it_is_cut(O_DIRECT, "past the cache");
  never_grows();
  a_file_that_became_shorter_is_an_error();
  zeroes_and_gives_back();
  refuses_what_is_no_disk();
  says_that_the_host_is_full();
  reads_from_the_cache_alone();
  does_not_wait_past_the_cache();
  memory_that_the_kernel_cannot_reach_goes_through_a_buffer();
}
