// SPDX-License-Identifier: BSD-2-Clause
// Guest physical memory: host mappings, the dirty log with its clients, and marks on pages that hold translated code.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

namespace tsbhyve {

/// What a store to a page must look at before the fast path may serve the next one.
inline constexpr std::uint8_t page_unlogged =
    1;  // some client of the dirty log has not seen a write since its last take
inline constexpr std::uint8_t page_has_code = 2;   // decoded blocks lie here
inline constexpr std::uint8_t page_read_only = 4;  // ROM: writes are dropped

/// Attention, dirty bits and holders may be touched by several vCPUs at once; memory is added, and the dirty log
/// opened, taken and closed, while none runs.
class GuestRam {
 public:
  struct Segment {
    std::uint64_t base, length;
    std::uint8_t* host;
    std::uint64_t first_page;  // index of its first page in the page arrays
    bool read_only;
    bool from_file = false;           // mapped from a snapshot
    std::uint32_t mappings_over = 0;  // parts of that which have been replaced
    bool shared = false;              // with whoever made the file behind it
  };

  GuestRam() = default;
  ~GuestRam();
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  /// Maps zeroed memory for [base, base + length), both multiples of 4 KiB. Throws std::invalid_argument on overlap and
  /// std::bad_alloc when the host refuses.
  const Segment& add_segment(std::uint64_t base, std::uint64_t length, bool read_only);

  /// Gives whole pages of one RAM segment back to the host; they read as zeros from now on. To be marked as written.
  /// Throws std::invalid_argument for anything else, and EngineError when the host refuses.
  void discard(std::uint64_t physical, std::uint64_t length);
  /// Maps the file's bytes from `offset` on in place of the segment's own memory. Throws EngineError.
  void share(std::size_t segment, int fd, std::uint64_t offset);
  /// The segment's pages come from a file that is mapped over it.
  void set_from_file(std::size_t segment) { segments_[segment].from_file = true; }

  const std::vector<Segment>& segments() const { return segments_; }
  std::uint64_t page_count() const { return pages_; }

  /// Host address of a guest physical page, or null outside RAM and ROM.
  std::uint8_t* host_page(std::uint64_t physical) const {
    const Segment* segment = find(physical);
    return segment ? segment->host + ((physical - segment->base) & ~std::uint64_t{4095}) : nullptr;
  }
  /// Index of the page in the page arrays; `physical` must lie in RAM or ROM.
  std::uint64_t page_index(std::uint64_t physical) const {
    const Segment* segment = find(physical);
    if (!segment) std::abort();  // callers have asked find() or host_page() before
    return segment->first_page + ((physical - segment->base) >> 12);
  }
  const Segment* find(std::uint64_t physical) const {
    for (const Segment& segment : segments_) {
      if (physical - segment.base < segment.length) return &segment;
    }
    return nullptr;
  }
  /// Calls `visit(start, length)` for what of [physical, physical + length) lies in RAM or ROM, piece by piece.
  template <class Visit>
  void for_each_part(std::uint64_t physical, std::uint64_t length, Visit visit) const {
    const std::uint64_t end = physical + length < physical ? ~std::uint64_t{0} : physical + length;
    for (const Segment& segment : segments_) {
      const std::uint64_t from = std::max(physical, segment.base), to = std::min(end, segment.base + segment.length);
      if (from < to) visit(from, to - from);
    }
  }

  std::uint8_t attention(std::uint64_t page) const { return load(attention_[page]); }
  /// By page; where they are until memory is added.
  std::span<std::uint8_t> attentions() { return attention_; }

  /// Notes a write, for every client. After the store (design: writes mark after).
  void mark_dirty(std::uint64_t page) {
    if ((load(dirty_[page]) & clients_) != clients_) set(dirty_[page], clients_);
    if (load(attention_[page]) & page_unlogged) clear(attention_[page], page_unlogged);
  }

  /// The vCPU `holder` (0-15) has blocks of the page from now on, and has none any more. While there are holders the
  /// page has code. Of several that run at once, one at a time may say so.
  void hold_code(std::uint64_t page, unsigned holder) {
    set(holders_[page], static_cast<std::uint16_t>(1u << holder));
    if (!(load(attention_[page]) & page_has_code)) set(attention_[page], page_has_code);
  }
  void release_code(std::uint64_t page, unsigned holder) {
    clear(holders_[page], static_cast<std::uint16_t>(1u << holder));
    if (load(holders_[page]) == 0) clear(attention_[page], page_has_code);
  }
  /// One bit for each vCPU that has blocks of the page.
  std::uint16_t code_holders(std::uint64_t page) const { return load(holders_[page]); }

  void mark_dirty(std::uint64_t physical, std::uint64_t length);

  /// Opens a dirty-log client (0-7) whose log starts empty; false when all are in use.
  bool open_client(unsigned& client);
  void close_client(unsigned client);
  /// Moves the client's log into `bitmap` (one bit a page, little-endian bytes, ORed in) and starts a new one. Callers
  /// then drop the write side of the vCPUs' fast tables.
  void take(unsigned client, std::uint8_t* bitmap);

 private:
  template <class T>
  static T load(const T& word) {
    return __atomic_load_n(&word, __ATOMIC_RELAXED);
  }
  template <class T>
  static void set(T& word, T bits) {
    __atomic_fetch_or(&word, bits, __ATOMIC_SEQ_CST);
  }
  template <class T>
  static void clear(T& word, T bits) {
    __atomic_fetch_and(&word, static_cast<T>(~bits), __ATOMIC_SEQ_CST);
  }

  std::vector<Segment> segments_;
  std::uint64_t pages_ = 0;
  std::vector<std::uint8_t> attention_, dirty_;  // by page
  std::vector<std::uint16_t> holders_;
  std::uint8_t clients_ = 0;
};

}  // namespace tsbhyve
