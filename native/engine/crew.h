// SPDX-License-Identifier: BSD-2-Clause
// Host threads for the vCPUs of one machine, whatever a vCPU is: they run side by side, and come one at a time to the
// thread that owns the devices.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tsbhyve {

using CrewClock = std::chrono::steady_clock;

/// Why a vCPU came back.
enum class CrewStop : std::uint8_t {
  Again,  // nothing: its slice is used up, or it was kicked
  Exit,   // its slot says what the device model is asked; the next run() finds the answer there
  Idle,   // halted, until it is roused or `idle_until` has come
  Dead,   // the same, but no interrupt can wake it: halted with IF clear, waiting for SIPI, shut down
  Alone,  // it has to go on while no other vCPU runs
};

/// One vCPU. All but `kick` is called on its own thread, or by the machine's thread while that one is parked.
class CrewMember {
 public:
  virtual ~CrewMember() = default;
  /// First thing on the thread.
  virtual void begin() {}
  /// Runs for some milliseconds at most. After an Exit it first takes the answer and completes that instruction,
  /// whatever kick() says; the instruction may ask again. What it throws comes out of Crew::run, and it counts as Dead.
  virtual CrewStop run() = 0;
  /// What it wanted to be alone for, and little more. Not Alone again.
  virtual CrewStop run_alone() { return run(); }
  /// Any thread. Makes the present or the next run() come back soon.
  virtual void kick() = 0;
  /// Whether a run() of others may last until this one has been in its own.
  virtual bool is_waited_for() const { return false; }
  /// When an idle vCPU wakes by itself: its timer.
  virtual CrewClock::time_point idle_until() const { return CrewClock::time_point::max(); }
};

enum class CrewNews : std::uint8_t {
  Exit,      // of `member`: the answer goes into its slot before the next call
  AllIdle,   // every vCPU is halted
  AllDead,   // and none can ever wake by itself
  Woken,     // wake() was called
  TimedOut,  // `until` has come
  Parked,    // of safepoint(): all stand between two instructions, and stay there until run()
};
struct CrewReport {
  CrewNews news;
  unsigned member = 0;
};

/// The vCPUs start parked. `wake` and `rouse` may be called from any thread. All else belongs to the machine's thread,
/// as does everything that touches a vCPU's state, which needs them parked.
class Crew {
 public:
  /// `on_news` is called, on a vCPU's thread, when an exit waits while the machine's thread is outside of run() and may
  /// sleep elsewhere. `host_cpus` names the host's processor that a vCPU is pinned to, -1 for none; it may be shorter.
  Crew(std::vector<CrewMember*> members, std::function<void()> on_news, std::vector<int> host_cpus = {});
  /// Ends the threads, at any moment.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Hands over the answer to the exit reported last, lets all run, and waits for news.
  CrewReport run(CrewClock::time_point until);
  /// Hands over that answer and brings all between two instructions. Exits that are needed for this are reported and
  /// answered as those of run(), then safepoint() is called again.
  CrewReport safepoint();
  /// Parks all as they are, until run(): in the middle of instructions, but of no store. Exits stay and are told later.
  void stand();
  /// Then: whether there are exits that were not told.
  bool has_exits() const;
  /// The same, and exits are forgotten: before a reset, which forgets their instructions too.
  void forget_exits();

  /// Ends the present or the next run().
  void wake();
  /// Something has happened to a vCPU that ends its sleep. What it is was noted before, where its run() finds it.
  void rouse(unsigned member);

 private:
  enum class Mode : std::uint8_t { Free, Gathering /* what is unfinished runs */, Held };
  enum class Phase : std::uint8_t { Ready, Asking, Told /* its exit was reported */, Idle, Dead };

  struct Seat {
    CrewMember* member = nullptr;
    int host_cpu = -1;
    Phase phase = Phase::Ready;
    bool running = false;
    bool unfinished = false;               // to run once more before all stand: was given an answer, or is waited for
    std::atomic<bool> roused = false;      // since it last began to run
    std::atomic<bool> asleep = false;      // waits on `changed` for that
    std::atomic<std::uint32_t> turns = 0;  // answers it was given: what it spins on
    std::condition_variable changed;
    std::thread thread;
  };

  void start_threads();
  void end_threads();
  void work(unsigned index);
  bool may_run(const Seat& seat, unsigned index) const;
  void wait_for_turn(std::unique_lock<std::mutex>& guard, unsigned index);
  void let_run(std::unique_lock<std::mutex>& guard, unsigned index);
  bool note_stop(unsigned index, CrewStop stop);
  void hand_over();
  void set_free();
  void kick_running();
  void notify_all();
  bool all_asleep() const;
  bool all_dead() const;
  bool settled() const;
  bool news_waits() const;
  template <class Ready>
  void wait_for_news(std::unique_lock<std::mutex>& guard, CrewClock::time_point until, Ready ready);
  CrewReport report_exit();
  void throw_failure();

  const std::function<void()> on_news_;
  const unsigned spins_;
  std::vector<std::unique_ptr<Seat>> seats_;

  mutable std::mutex lock_;
  std::condition_variable news_;
  std::atomic<std::uint32_t> news_count_ = 0;  // what the machine's thread spins on
  Mode mode_ = Mode::Held;
  bool closing_ = false;
  bool listening_ = false;  // the machine's thread waits for news
  unsigned running_ = 0;
  std::deque<unsigned> asking_;       // members with an exit, oldest first
  std::deque<unsigned> wants_alone_;  // the first is next, once no other runs
  int alone_ = -1;                    // who runs alone at present
  int told_ = -1;                     // whose exit was reported last
  std::atomic<bool> woken_ = false;
  std::exception_ptr failure_;
};

}  // namespace tsbhyve
