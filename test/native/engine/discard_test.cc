// SPDX-License-Identifier: BSD-2-Clause
// Discarded pages are zeros and no longer the host's to keep, whether they came from nowhere or from a file.
#include <sys/mman.h>

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "../check.h"
#include "../content.h"
#include "snapshot/mapped_ram.h"

using tsbhyve::GuestRam;
using tsbhyve::snapshot::File;
using tsbhyve::snapshot::MappedRam;

namespace {

constexpr std::uint64_t page = 4096, pages = 256;

bool all(const std::uint8_t* bytes, std::uint64_t length, std::uint8_t value) {
  for (std::uint64_t at = 0; at < length; at++) {
    if (bytes[at] != value) return false;
  }
  return true;
}

bool is_resident(std::uint8_t* host) {
  unsigned char resident = 0;
  return mincore(host, page, &resident) == 0 && (resident & 1);
}

bool refused(GuestRam& ram, std::uint64_t physical, std::uint64_t length) {
  try {
    ram.discard(physical, length);
  } catch (const std::invalid_argument&) {
    return true;
  }
  return false;
}

void anonymous_case() {
  GuestRam ram;
  std::uint8_t* const host = ram.add_segment(page, pages * page, false).host;
  madvise(host, pages * page, MADV_NOHUGEPAGE);
  std::memset(host, 7, pages * page);
  ram.discard(3 * page, 2 * page);
  CHECK(!is_resident(host + 2 * page) && !is_resident(host + 3 * page));
  CHECK(is_resident(host + page) && is_resident(host + 4 * page));
  CHECK(all(host, 2 * page, 7) && all(host + 2 * page, 2 * page, 0) && all(host + 4 * page, page, 7));
  ram.discard(3 * page, 0);
  host[2 * page] = 9;
  CHECK(host[2 * page] == 9);
}

void refusal_cases() {
  GuestRam ram;
  ram.add_segment(page, 4 * page, false);
  ram.add_segment(8 * page, page, true);
  CHECK(refused(ram, 0, page));
  CHECK(refused(ram, 8 * page, page));
  CHECK(refused(ram, page, 5 * page));
  CHECK(refused(ram, page, ~std::uint64_t{0} - page + 1));
  CHECK(refused(ram, page + 1, page));
  CHECK(refused(ram, page, 100));
  CHECK(refused(ram, 1ull << 60, page));
  CHECK(!refused(ram, page, 4 * page));
}

void file_case() {
  GuestRam ram;
  std::uint8_t* const host = ram.add_segment(0, pages * page, false).host;
  const int fd = test::temporary_fd();
  const std::vector<std::uint8_t> content(pages * page, 0x55);
  CHECK(pwrite(fd, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  MappedRam mapped(ram, File(fd));
  host[page] = 1;
  ram.discard(0, 2 * page);           // short: filled
  ram.discard(32 * page, 64 * page);  // long: another mapping
  ram.discard(40 * page, 64 * page);
  CHECK(all(host, 2 * page, 0));
  CHECK(all(host + 2 * page, 30 * page, 0x55));
  CHECK(all(host + 32 * page, 72 * page, 0));
  CHECK(all(host + 104 * page, 152 * page, 0x55));
  CHECK(!is_resident(host + 50 * page) || all(host + 50 * page, page, 0));
  host[50 * page] = 3;
  CHECK(host[50 * page] == 3);
  std::uint8_t byte = 0;
  CHECK(pread(fd, &byte, 1, 50 * page) == 1 && byte == 0x55);
  CHECK(mapped.damage() == MappedRam::Damage::None);
  close(fd);
}

std::uint64_t mappings() {
  std::ifstream maps("/proc/self/maps");
  std::uint64_t lines = 0;
  for (std::string line; std::getline(maps, line);) lines++;
  return lines;
}

/// A guest can make as many holes as it likes, and the kernel has 65,530 mappings for the whole process.
void many_holes_case() {
  GuestRam ram;
  constexpr std::uint64_t many = 10'000;
  std::uint8_t* const host = ram.add_segment(0, many * 32 * page, false).host;
  const int fd = test::temporary_fd();
  CHECK(ftruncate(fd, static_cast<off_t>(many * 32 * page)) == 0);
  MappedRam mapped(ram, File(fd));
  host[(many - 1) * 32 * page] = 1;
  for (std::uint64_t hole = 0; hole < many; hole++) ram.discard(hole * 32 * page, 16 * page);
  CHECK(host[(many - 1) * 32 * page] == 0);
  CHECK(mappings() < 17'000);
  close(fd);
}

}  // namespace

int main() {
  anonymous_case();
  refusal_cases();
  file_case();
  many_holes_case();
  return test::report();
}
