// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/mapped_ram.h"

#include <sys/mman.h>

#include <cerrno>

#include "snapshot/ram_jobs.h"

namespace tsbhyve::snapshot {

namespace {

void map_over(std::uint8_t* host, std::uint64_t bytes, const File& file, std::uint64_t offset) {
  constexpr int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE;
  if (mmap(host, bytes, protection, flags, file.fd(), static_cast<off_t>(offset)) == host) return;
  const int number = errno;
  mmap(host, bytes, protection, flags | MAP_ANONYMOUS, -1, 0);  // a failed replacement may have left a gap
  errno = number;
  fail_errno("mmap");
}

}  // namespace

MappedRam::MappedRam(GuestRam& ram, File file)
    : file_(std::move(file)), bytes_(file_.size()), changed_at_(file_.changed_at()) {
  const RamImage image(ram);
  expect_size(file_, image);
  for (std::size_t i = 0; i < image.spans().size(); i++) {
    const GuestRam::Segment& segment = ram.segments()[i];
    guards_.push_back(std::make_unique<FaultGuard>(segment.host, segment.length));
    map_over(segment.host, segment.length, file_, image.spans()[i].offset);
    ram.set_from_file(i);
  }
}

MappedRam::Damage MappedRam::damage() const {
  const bool hit = std::any_of(guards_.begin(), guards_.end(), [](const auto& guard) { return guard->hit(); });
  if (hit || file_.size() != bytes_) return Damage::Truncated;
  return file_.changed_at() == changed_at_ ? Damage::None : Damage::Changed;
}

}  // namespace tsbhyve::snapshot
