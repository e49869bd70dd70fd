// SPDX-License-Identifier: BSD-2-Clause
#include "hostio/event_queue.h"

#include <algorithm>
#include <chrono>

#include "engine/engine.h"

namespace tsbhyve {

void EventQueue::set_engine(Engine* engine) {
  const std::lock_guard guard(lock_);
  engine_ = engine;
}

/// `change` answers whether there is something new. The engine is woken under the lock, so that it cannot go meanwhile;
/// the sleeper is not: it would have to sleep again at once.
template <typename Change>
void EventQueue::announce(Change change) {
  {
    const std::lock_guard guard(lock_);
    if (!change()) return;
    wakes_++;
    if (engine_) engine_->wake();
  }
  changed_.notify_all();
}

void EventQueue::post(const Event& event) {
  announce([&] {
    events_.push_back(event);
    return true;
  });
}

void EventQueue::post_once(const Event& event) {
  announce([&] {
    const auto same = [&](const Event& other) { return other.source == event.source && other.token == event.token; };
    if (std::any_of(events_.begin(), events_.end(), same)) return false;
    events_.push_back(event);
    return true;
  });
}

void EventQueue::wake() {
  announce([] { return true; });
}

void EventQueue::nudge() {
  {
    const std::lock_guard guard(lock_);
    wakes_++;
  }
  changed_.notify_all();
}

std::uint32_t EventQueue::wakes() const {
  const std::lock_guard guard(lock_);
  return wakes_;
}

void EventQueue::wait(std::uint32_t seen, std::uint64_t nanoseconds) {
  std::unique_lock guard(lock_);
  changed_.wait_for(guard, std::chrono::nanoseconds(nanoseconds), [&] { return wakes_ != seen; });
}

bool EventQueue::has(std::uint32_t source) const {
  return std::any_of(events_.begin(), events_.end(), [&](const Event& event) { return event.source == source; });
}

bool EventQueue::wait_for(std::uint32_t source, std::uint64_t nanoseconds) {
  std::unique_lock guard(lock_);
  return changed_.wait_for(guard, std::chrono::nanoseconds(nanoseconds), [&] { return has(source); });
}

std::size_t EventQueue::take(std::span<Event> into, std::optional<std::uint32_t> source) {
  const std::lock_guard guard(lock_);
  std::size_t taken = 0;
  for (auto event = events_.begin(); event != events_.end() && taken < into.size();) {
    if (source && event->source != *source) {
      ++event;
      continue;
    }
    into[taken++] = *event;
    event = events_.erase(event);
  }
  return taken;
}

}  // namespace tsbhyve
