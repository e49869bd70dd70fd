// SPDX-License-Identifier: BSD-2-Clause
#include "snapshot/fault_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

#include "snapshot/file.h"

namespace tsbhyve::snapshot {

namespace {

struct Slot {
  std::atomic<std::uintptr_t> begin = 0, end = 0;  // free while `end` is 0
  std::atomic<bool> hit = false;
};

// Read by the signal handler, which may take no lock; written under `lock`.
std::array<Slot, 1024> slots;
std::mutex lock;
std::uintptr_t host_page_bytes = 0;
struct sigaction previous;

Slot* find_slot(std::uintptr_t address) {
  for (Slot& slot : slots) {
    if (address >= slot.begin && address < slot.end) return &slot;
  }
  return nullptr;
}

bool replace_page(std::uintptr_t address) {
  // The one place where an address from the kernel becomes a pointer.
  void* const page = reinterpret_cast<void*>(address & ~(host_page_bytes - 1));
  return mmap(page, host_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

void on_fault(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  Slot* const slot = find_slot(address);
  if (slot && replace_page(address)) {
    slot->hit = true;
    errno = saved;
    return;
  }
  errno = saved;
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    sigaction(number, &previous, nullptr);  // the access is made again and has its usual end
  }
}

/// On the first guarded range and for the rest of the process: taking it away again could drop somebody's later
/// handler.
void install() {
  host_page_bytes = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &previous) != 0) fail_errno("sigaction");
}

}  // namespace

FaultGuard::FaultGuard(void* begin, std::size_t bytes) {
  const std::lock_guard guard(lock);
  if (host_page_bytes == 0) install();
  for (slot_ = 0; slot_ < slots.size(); slot_++) {
    Slot& slot = slots[slot_];
    if (slot.end != 0) continue;
    slot.hit = false;
    slot.begin = reinterpret_cast<std::uintptr_t>(begin);
    slot.end = slot.begin + bytes;
    return;
  }
  throw Failure{"ERR_RANGES", 0, "more than 1024 mapped memory segments in this process"};
}

FaultGuard::~FaultGuard() {
  const std::lock_guard guard(lock);
  slots[slot_].end = 0;
  slots[slot_].begin = 0;
}

bool FaultGuard::hit() const { return slots[slot_].hit; }

}  // namespace tsbhyve::snapshot
