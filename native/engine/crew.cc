// SPDX-License-Identifier: BSD-2-Clause
#include "engine/crew.h"

#include <algorithm>
#include <utility>

#include "engine/relax.h"
#include "hostio/quiet_thread.h"

namespace tsbhyve {

namespace {

/// Looks for news before sleeping: an exit is answered within a microsecond or two, and falling asleep takes longer.
constexpr unsigned most_spins = 2000;

}  // namespace

Crew::Crew(std::vector<CrewMember*> members, std::function<void()> on_news, std::vector<int> host_cpus)
    : on_news_(std::move(on_news)),
      // Without a processor to spare, whoever spins keeps the one from running that it waits for.
      spins_(std::thread::hardware_concurrency() > members.size() ? most_spins : 0) {
  for (CrewMember* member : members) {
    auto seat = std::make_unique<Seat>();
    seat->member = member;
    if (seats_.size() < host_cpus.size()) seat->host_cpu = host_cpus[seats_.size()];
    seats_.push_back(std::move(seat));
  }
  try {
    start_threads();
  } catch (...) {
    end_threads();
    throw;
  }
}

Crew::~Crew() { end_threads(); }

void Crew::end_threads() {
  {
    const std::lock_guard guard(lock_);
    closing_ = true;
    kick_running();
    notify_all();
  }
  for (auto& seat : seats_) {
    if (seat->thread.joinable()) seat->thread.join();
  }
}

/// At once, while the process may still pin its threads.
void Crew::start_threads() {
  const std::lock_guard guard(lock_);
  for (unsigned index = 0; index < seats_.size(); index++) {
    seats_[index]->thread = start_quiet_thread([this, index] { work(index); });
  }
}

CrewReport Crew::run(CrewClock::time_point until) {
  std::unique_lock guard(lock_);
  hand_over();
  if (mode_ != Mode::Free) set_free();
  wait_for_news(guard, until, [this] { return news_waits() || all_asleep(); });
  throw_failure();
  if (woken_.exchange(false)) return {CrewNews::Woken};
  if (CrewClock::now() >= until) return {CrewNews::TimedOut};  // also while exits never end
  if (!asking_.empty()) return report_exit();
  if (all_dead()) return {CrewNews::AllDead};
  return {all_asleep() ? CrewNews::AllIdle : CrewNews::TimedOut};
}

CrewReport Crew::safepoint() {
  std::unique_lock guard(lock_);
  hand_over();
  mode_ = Mode::Gathering;
  wants_alone_.clear();  // their instructions have not begun: they will ask again
  kick_running();
  notify_all();
  wait_for_news(guard, CrewClock::time_point::max(), [this] { return failure_ || !asking_.empty() || settled(); });
  throw_failure();
  if (!asking_.empty()) return report_exit();
  mode_ = Mode::Held;
  return {CrewNews::Parked};
}

void Crew::stand() {
  std::unique_lock guard(lock_);
  mode_ = Mode::Held;
  kick_running();
  wait_for_news(guard, CrewClock::time_point::max(), [this] { return running_ == 0; });
  wants_alone_.clear();  // as in safepoint()
}

bool Crew::has_exits() const {
  const std::lock_guard guard(lock_);
  return !asking_.empty();
}

void Crew::forget_exits() {
  stand();
  const std::lock_guard guard(lock_);
  asking_.clear();
  told_ = -1;
  for (auto& seat : seats_) {
    seat->phase = Phase::Ready;
    seat->unfinished = false;
  }
}

void Crew::wake() {
  woken_ = true;
  const std::lock_guard guard(lock_);
  news_count_++;
  news_.notify_all();
}

/// Either this sees `asleep`, or the thread sees `roused` before it sleeps: both sides write first and read then.
void Crew::rouse(unsigned member) {
  Seat& seat = *seats_[member];
  seat.roused = true;
  if (!seat.asleep) return;
  const std::lock_guard guard(lock_);
  seat.changed.notify_all();
}

void Crew::hand_over() {
  if (told_ < 0) return;
  Seat& seat = *seats_[static_cast<unsigned>(std::exchange(told_, -1))];
  seat.phase = Phase::Ready;
  seat.unfinished = true;
  seat.turns++;
  seat.changed.notify_all();
}

/// The vCPUs may have been given another state meanwhile: sleepers look again whether there is something to do.
void Crew::set_free() {
  mode_ = Mode::Free;
  for (auto& seat : seats_) {
    if (seat->phase == Phase::Idle || seat->phase == Phase::Dead) seat->phase = Phase::Ready;
    // Its thread may not come to run before a safepoint: it runs then.
    seat->unfinished |= seat->member->is_waited_for();
  }
  notify_all();
}

void Crew::kick_running() {
  for (auto& seat : seats_) {
    if (seat->running) seat->member->kick();
  }
}

void Crew::notify_all() {
  for (auto& seat : seats_) seat->changed.notify_all();
}

/// One that has been roused only has not run yet.
bool Crew::all_asleep() const {
  return std::all_of(seats_.begin(), seats_.end(), [](const auto& seat) {
    return (seat->phase == Phase::Idle || seat->phase == Phase::Dead) && !seat->roused;
  });
}

bool Crew::all_dead() const {
  return std::all_of(seats_.begin(), seats_.end(),
                     [](const auto& seat) { return seat->phase == Phase::Dead && !seat->roused; });
}

/// No vCPU is inside an instruction, and none waits for another.
bool Crew::settled() const {
  return running_ == 0 && std::none_of(seats_.begin(), seats_.end(), [](const auto& seat) { return seat->unfinished; });
}

bool Crew::news_waits() const { return failure_ || woken_ || !asking_.empty(); }

template <class Ready>
void Crew::wait_for_news(std::unique_lock<std::mutex>& guard, CrewClock::time_point until, Ready ready) {
  listening_ = true;
  for (unsigned spin = 0; spin < spins_ && !ready(); spin++) {
    const std::uint32_t seen = news_count_;
    guard.unlock();
    for (; spin < spins_ && news_count_ == seen; spin++) relax();
    guard.lock();
  }
  if (until == CrewClock::time_point::max()) {
    news_.wait(guard, ready);
  } else {
    news_.wait_until(guard, until, ready);
  }
  listening_ = false;
}

CrewReport Crew::report_exit() {
  const unsigned member = asking_.front();
  asking_.pop_front();
  told_ = static_cast<int>(member);
  seats_[member]->phase = Phase::Told;
  return {CrewNews::Exit, member};
}

void Crew::throw_failure() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

}  // namespace tsbhyve
