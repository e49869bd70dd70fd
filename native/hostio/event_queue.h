// SPDX-License-Identifier: BSD-2-Clause
// What happens on the host while a machine runs or sleeps, for the one thread that owns the machine.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>

namespace tsbhyve {

class Engine;

struct Event {
  std::uint32_t source;  // whose handler takes it
  std::uint32_t token;   // what the handler knows it by
  std::int32_t result;
};

/// Every method but `set_engine` may be called from any thread, which keeps the queue meanwhile. How many events can
/// lie here is bounded by those who post them: each has a bounded number of things in flight.
class EventQueue {
 public:
  /// The engine that is woken too, or null. Not before the last one has been taken away may it be destroyed.
  void set_engine(Engine* engine);

  void post(const Event& event);
  /// The same, unless its like is still here: what happens many times counts once.
  void post_once(const Event& event);
  /// Ends the engine's run and the next or present `wait`.
  void wake();
  /// Ends the next or present `wait` only: the engine itself has something to tell.
  void nudge();

  /// Posts and wakes so far, modulo 2^32: taken before looking for work, and given to `wait`, it loses no wake.
  std::uint32_t wakes() const;
  /// Sleeps until there is a wake that is not among the `seen` ones, at most so long.
  void wait(std::uint32_t seen, std::uint64_t nanoseconds);
  /// True once an event of this source lies here; waits for it at most so long.
  bool wait_for(std::uint32_t source, std::uint64_t nanoseconds);
  /// Moves the oldest events out, of one source or of all, and tells how many.
  std::size_t take(std::span<Event> into, std::optional<std::uint32_t> source);

 private:
  template <typename Change>
  void announce(Change change);
  bool has(std::uint32_t source) const;

  mutable std::mutex lock_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint32_t wakes_ = 0;
  Engine* engine_ = nullptr;
};

}  // namespace tsbhyve
