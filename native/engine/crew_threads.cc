// SPDX-License-Identifier: BSD-2-Clause
// What the thread of a vCPU does: it waits until it may run, runs, and says what it came back for.
#include "engine/crew.h"
#include "engine/pin_thread.h"
#include "engine/relax.h"

namespace tsbhyve {

void Crew::work(unsigned index) {
  Seat& seat = *seats_[index];
  std::unique_lock guard(lock_);
  try {
    if (seat.host_cpu >= 0) pin_thread(seat.host_cpu);
    seat.member->begin();
  } catch (...) {
    failure_ = std::current_exception();
    note_stop(index, CrewStop::Dead);
    news_.notify_all();
  }
  for (;;) {
    wait_for_turn(guard, index);
    if (closing_) return;
    let_run(guard, index);
  }
}

/// Whether a thread that stands may run its vCPU. One that wants to be alone waits until all others stand.
bool Crew::may_run(const Seat& seat, unsigned index) const {
  if (alone_ >= 0 || mode_ == Mode::Held || seat.phase == Phase::Asking || seat.phase == Phase::Told) return false;
  if (mode_ == Mode::Gathering) return seat.unfinished;
  if (!wants_alone_.empty()) return wants_alone_.front() == index && running_ == 0;
  if (seat.phase == Phase::Ready || seat.roused) return true;
  return seat.phase == Phase::Idle && seat.member->idle_until() <= CrewClock::now();
}

void Crew::wait_for_turn(std::unique_lock<std::mutex>& guard, unsigned index) {
  Seat& seat = *seats_[index];
  if (seat.phase == Phase::Asking && spins_ > 0) {
    const std::uint32_t turn = seat.turns;
    guard.unlock();
    for (unsigned spin = 0; spin < spins_ && seat.turns == turn; spin++) relax();
    guard.lock();
  }
  seat.asleep = true;  // before `roused` is looked at: see rouse()
  while (!closing_ && !may_run(seat, index)) {
    // Where something else keeps it from running, whoever ends that tells it.
    const bool timed = seat.phase == Phase::Idle && mode_ == Mode::Free && alone_ < 0 && wants_alone_.empty();
    const auto until = timed ? seat.member->idle_until() : CrewClock::time_point::max();
    if (until == CrewClock::time_point::max()) {
      seat.changed.wait(guard);
    } else {
      seat.changed.wait_until(guard, until);
    }
  }
  seat.asleep = false;
}

/// Runs the vCPU once, without the lock.
void Crew::let_run(std::unique_lock<std::mutex>& guard, unsigned index) {
  Seat& seat = *seats_[index];
  const bool alone = mode_ == Mode::Free && !wants_alone_.empty();
  if (alone) {
    wants_alone_.pop_front();
    alone_ = static_cast<int>(index);
  }
  if (mode_ == Mode::Gathering) seat.member->kick();  // it finishes its instruction and comes back
  seat.phase = Phase::Ready;
  seat.running = true;
  seat.unfinished = false;  // set_free() may say so anew while it runs
  seat.roused = false;      // before run() looks for what it was roused for
  running_++;
  guard.unlock();
  CrewStop stop = CrewStop::Dead;
  std::exception_ptr failure;
  try {
    stop = alone ? seat.member->run_alone() : seat.member->run();
  } catch (...) {
    failure = std::current_exception();
  }
  guard.lock();
  running_--;
  seat.running = false;
  if (failure) failure_ = failure;
  if (alone) {
    alone_ = -1;
    notify_all();
  }
  if (!note_stop(index, stop)) return;
  guard.unlock();
  on_news_();
  guard.lock();
}

/// Notes what a vCPU came back for. True when the machine's thread is to be told elsewhere than in run().
bool Crew::note_stop(unsigned index, CrewStop stop) {
  Seat& seat = *seats_[index];
  switch (stop) {
    case CrewStop::Again: break;
    case CrewStop::Exit:
      seat.phase = Phase::Asking;
      asking_.push_back(index);
      break;
    case CrewStop::Idle: seat.phase = Phase::Idle; break;
    case CrewStop::Dead: seat.phase = Phase::Dead; break;
    case CrewStop::Alone:
      if (mode_ != Mode::Free) break;
      wants_alone_.push_back(index);
      if (wants_alone_.size() == 1) kick_running();
      break;
  }
  if (running_ == 0 && !wants_alone_.empty()) seats_[wants_alone_.front()]->changed.notify_all();
  if (listening_) {
    if (!news_waits() && !(running_ == 0 && (mode_ != Mode::Free || all_asleep()))) return false;
    news_count_++;
    news_.notify_all();
    return false;
  }
  return stop == CrewStop::Exit || failure_;
}

}  // namespace tsbhyve
