// SPDX-License-Identifier: BSD-2-Clause
// A mapped memory file that is truncated: guarded ranges become zero and are marked, all else is as it was before.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>

#include "../check.h"
#include "../content.h"
#include "snapshot/mapped_ram.h"

using namespace tsbhyve::snapshot;
using tsbhyve::GuestRam;

namespace {

constexpr std::uint64_t bytes = 64 * 4096;
constexpr int handled_status = 7;

int filled_file() {
  const int fd = test::temporary_fd();
  const std::vector<std::uint8_t> content(bytes, 0x55);
  if (pwrite(fd, content.data(), content.size(), 0) != static_cast<ssize_t>(content.size())) std::abort();
  return fd;
}

void guarded_case() {
  GuestRam ram;
  volatile std::uint8_t* host = ram.add_segment(0, bytes, false).host;
  const int fd = filled_file();
  MappedRam mapped(ram, File(fd));
  CHECK(host[0] == 0x55);
  host[4096] = 1;  // ours alone from now on
  std::uint8_t byte = 0;
  CHECK(pread(fd, &byte, 1, 4096) == 1 && byte == 0x55);
  CHECK(mapped.damage() == MappedRam::Damage::None);
  CHECK(ftruncate(fd, 0) == 0);
  CHECK(host[8 * 4096] == 0);
  CHECK(mapped.damage() == MappedRam::Damage::Truncated);
  host[8 * 4096] = 3;
  CHECK(host[8 * 4096] == 3);
  close(fd);
}

void changed_case() {
  GuestRam ram;
  ram.add_segment(0, bytes, false);
  const int fd = filled_file();
  const timespec long_ago[] = {{1, 0}, {1, 0}};  // a clock may be too coarse to tell two writes apart
  CHECK(futimens(fd, long_ago) == 0);
  const MappedRam mapped(ram, File(fd));
  const std::uint8_t byte = 7;
  CHECK(pwrite(fd, &byte, 1, 4096) == 1);
  CHECK(mapped.damage() == MappedRam::Damage::Changed);
  close(fd);
}

void short_file_case() {
  GuestRam ram;
  ram.add_segment(0, 2 * bytes, false);
  const int fd = filled_file();
  std::string code;
  try {
    const MappedRam mapped(ram, File(fd));
  } catch (const Failure& failure) {
    code = failure.code;
  }
  CHECK(code == "ERR_TRUNCATED");
  close(fd);
}

/// Exit status, or minus the signal, of a child that touches a truncated mapping that nobody guards.
int unguarded_fault(bool with_handler) {
  const pid_t child = fork();
  if (child == 0) {
    if (with_handler)
      signal(SIGBUS, [](int) { _exit(handled_status); });
    else
      signal(SIGBUS, SIG_DFL);
    std::uint8_t other[4096];
    const FaultGuard guard(other, sizeof other);
    const int fd = filled_file();
    void* const mapping = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED || ftruncate(fd, 0) != 0) _exit(1);
    const std::uint8_t byte = *static_cast<volatile std::uint8_t*>(mapping);
    _exit(byte == 0 ? 2 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

int main() {
  // Children first: the handler is installed once a process, and they need their own.
  CHECK(unguarded_fault(true) == handled_status);
  CHECK(unguarded_fault(false) == -SIGBUS);
  guarded_case();
  changed_case();
  short_file_case();
  return test::report();
}
