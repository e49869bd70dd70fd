// SPDX-License-Identifier: BSD-2-Clause
// Memory files: layout, holes, layers, digests, and what happens when the disk is full or the file is not what it was.
#include "snapshot/ram_jobs.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "../check.h"
#include "../content.h"

using namespace tsbhyve::snapshot;
using tsbhyve::GuestRam;

namespace {

/// The code of a job's failure; empty if it had none.
std::string run(Job& job) {
  job.start();
  while (!job.wait(1000)) continue;
  return job.failure() ? job.failure()->code : "";
}

std::string run_cancelled(Job& job) {
  job.cancel();
  return run(job);
}

constexpr std::uint64_t low_bytes = 5 * 4096;  // no multiple of 64 KiB, so the second segment starts behind a gap
constexpr std::uint64_t high_bytes = 600 * 4096;
constexpr std::uint64_t high_base = 1ull << 32;
constexpr std::uint64_t high_offset = 65536;

std::shared_ptr<GuestRam> memory() {
  auto ram = std::make_shared<GuestRam>();
  ram->add_segment(0, low_bytes, false);
  ram->add_segment(high_base, high_bytes, false);
  return ram;
}

std::uint8_t* at(const GuestRam& ram, std::uint64_t physical) {
  std::uint8_t* page = ram.host_page(physical);
  if (!page) std::abort();
  return page + physical % 4096;
}

PageSet set_of(std::initializer_list<std::uint64_t> pages) {
  PageSet set(605);
  for (const std::uint64_t page : pages) set.add(page);
  return set;
}

Layer layer(int fd, std::optional<PageSet> present, const PageSet& stored) {
  return Layer{File(fd), std::move(present), stored};
}

void layout_cases() {
  const std::uint64_t lengths[] = {low_bytes, high_bytes};
  const RamImage image(lengths);
  CHECK(image.pages() == 605);
  CHECK(image.file_bytes() == high_offset + high_bytes);
  std::uint64_t runs = 0, pages = 0, last = 0;
  image.for_each_run(
      256, [](std::uint64_t page) { return page != 7; },
      [&](std::uint64_t, std::uint64_t count, std::uint64_t offset) { runs++, pages += count, last = offset; });
  CHECK(runs == 5);  // 0-4, 5-6, 8-263, 264-519, 520-604
  CHECK(pages == 604);
  CHECK(last == high_offset + 515 * 4096);
  const std::uint64_t odd[] = {100};
  bool refused = false;
  try {
    const RamImage broken(odd);
  } catch (const std::invalid_argument&) {
    refused = true;
  }
  CHECK(refused);
}

void write_and_read_cases() {
  const auto ram = memory();
  *at(*ram, 4096) = 1;
  *at(*ram, high_base + high_bytes - 1) = 2;
  const int fd = test::temporary_fd();
  WriteRam writing(ram, File(fd), std::nullopt);
  CHECK(run(writing) == "");
  CHECK(writing.stored().count() == 2 && writing.stored().has(1) && writing.stored().has(604));
  CHECK(writing.done() == 8192 && writing.total() == 8192);
  struct stat status;
  CHECK(fstat(fd, &status) == 0 && status.st_size == high_offset + high_bytes && status.st_blocks * 512 <= 65536);
  std::uint8_t byte = 0;
  CHECK(pread(fd, &byte, 1, high_offset + high_bytes - 1) == 1 && byte == 2);

  const auto copy = memory();
  ReadRam reading(copy, layer(fd, std::nullopt, writing.stored()), writing.digest());
  CHECK(run(reading) == "");
  CHECK(*at(*copy, 4096) == 1 && *at(*copy, high_base + high_bytes - 1) == 2 && *at(*copy, 0) == 0);

  const RamImage image(*ram);
  VerifyRam verifying(image, File(fd), writing.stored(), writing.digest());
  CHECK(run(verifying) == "");
  byte = 9;
  CHECK(pwrite(fd, &byte, 1, 3 * 4096) == 1);  // a page that should be zero: a mapping would show it
  VerifyRam spoiled_hole(image, File(fd), writing.stored(), writing.digest());
  CHECK(run(spoiled_hole) == "ERR_DIGEST");
  CHECK(pwrite(fd, &byte, 1, 4096) == 1);
  ReadRam spoiled(memory(), layer(fd, std::nullopt, writing.stored()), writing.digest());
  CHECK(run(spoiled) == "ERR_DIGEST");
  CHECK(ftruncate(fd, high_offset) == 0);
  ReadRam shortened(memory(), layer(fd, std::nullopt, writing.stored()), writing.digest());
  CHECK(run(shortened) == "ERR_TRUNCATED");
  close(fd);
}

/// Rounds over memory that changes, sealed at the end, make the file that one pass over the last state makes.
void round_cases() {
  const auto ram = memory();
  *at(*ram, 0) = 1;
  *at(*ram, 4096) = 2;
  const int fd = test::temporary_fd();
  CopyRam first(ram, File(fd), std::nullopt, set_of({}));
  CHECK(run(first) == "");
  CHECK(first.stored().bytes() == set_of({0, 1}).bytes() && first.total() == 8192);
  *at(*ram, 4096) = 0;
  *at(*ram, high_base) = 3;
  *at(*ram, 8192) = 9;  // not among the pages of the round: nobody has logged it
  CopyRam second(ram, File(fd), set_of({1, 5}), first.stored());
  CHECK(run(second) == "");
  CHECK(second.stored().bytes() == set_of({0, 1, 5}).bytes() && second.total() == 8192);
  SealRam sealing(RamImage(*ram), File(fd), second.stored());
  CHECK(run(sealing) == "");
  const auto copy = memory();
  ReadRam reading(copy, layer(fd, std::nullopt, second.stored()), sealing.digest());
  CHECK(run(reading) == "");
  CHECK(*at(*copy, 0) == 1 && *at(*copy, 4096) == 0 && *at(*copy, 8192) == 0 && *at(*copy, high_base) == 3);
  close(fd);
}

void layer_cases() {
  const auto ram = memory();
  *at(*ram, 0) = 1;
  *at(*ram, 4096) = 2;
  const int base_fd = test::temporary_fd(), delta_fd = test::temporary_fd(), merged_fd = test::temporary_fd();
  WriteRam base(ram, File(base_fd), std::nullopt);
  CHECK(run(base) == "");
  *at(*ram, 4096) = 0;
  *at(*ram, 8192) = 3;
  *at(*ram, 0) = 7;  // not in `present`: the log did not have it
  const PageSet present = set_of({1, 2});
  WriteRam delta(ram, File(delta_fd), present);
  CHECK(run(delta) == "");
  CHECK(delta.stored().bytes() == set_of({2}).bytes());

  const auto copy = memory();
  ReadRam first(copy, layer(base_fd, std::nullopt, base.stored()), base.digest());
  ReadRam second(copy, layer(delta_fd, present, delta.stored()), delta.digest());
  CHECK(run(first) == "" && run(second) == "");
  CHECK(*at(*copy, 0) == 1 && *at(*copy, 4096) == 0 && *at(*copy, 8192) == 3);

  std::vector<Layer> layers;
  layers.push_back(layer(delta_fd, present, delta.stored()));
  layers.push_back(layer(base_fd, std::nullopt, base.stored()));
  MergeRam merging(RamImage(*ram), File(merged_fd), std::move(layers));
  CHECK(run(merging) == "");
  CHECK(merging.stored().bytes() == set_of({0, 2}).bytes());
  VerifyRam verifying(RamImage(*ram), File(merged_fd), merging.stored(), merging.digest());
  CHECK(run(verifying) == "");
  for (const int fd : {base_fd, delta_fd, merged_fd}) close(fd);
}

void failure_cases() {
  const auto ram = memory();
  for (std::uint64_t page = 0; page < 600; page++) *at(*ram, high_base + page * 4096) = 1;
  const int fd = test::temporary_fd();
  WriteRam cancelled(ram, File(fd), std::nullopt);
  CHECK(run_cancelled(cancelled) == "ECANCELED");

  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  WriteRam too_large(ram, File(fd), std::nullopt);
  CHECK(run(too_large) == "EFBIG");
  setrlimit(RLIMIT_FSIZE, &before);
  close(fd);

  const int read_only = open("/dev/null", O_RDONLY | O_CLOEXEC);
  WriteRam refused(ram, File(read_only), std::nullopt);
  CHECK(run(refused) == "EINVAL");
  close(read_only);
}

/// The work's end lets go of the memory, whoever still holds the job.
void release_cases() {
  auto ram = memory();
  const int fd = test::temporary_fd();
  WriteRam writing(ram, File(fd), std::nullopt);
  CHECK(run(writing) == "");
  CHECK(ram.use_count() == 1);
  close(fd);
}

}  // namespace

int main() {
  layout_cases();
  write_and_read_cases();
  round_cases();
  layer_cases();
  failure_cases();
  release_cases();
  return test::report();
}
