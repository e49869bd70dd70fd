// SPDX-License-Identifier: BSD-2-Clause
#include "kvm/kvm_doorbells.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "hostio/quiet_thread.h"

namespace tsbhyve::kvm {

namespace {

/// Not a doorbell's.
constexpr std::uint64_t stop_key = ~std::uint64_t{0};

Descriptor new_event() {
  Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (event.get() < 0) throw EngineError{errno, "eventfd", ""};
  return event;
}

void watch(int epoll, int event, std::uint64_t key) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.u64 = key;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, event, &wanted) != 0) throw EngineError{errno, "epoll_ctl", ""};
}

}  // namespace

Doorbells::~Doorbells() {
  if (!thread_.joinable()) return;
  constexpr std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(stop_.get(), &one, sizeof one);  // cannot fail: the count is 0
  thread_.join();
}

void Doorbells::start() {
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  if (epoll_.get() < 0) throw EngineError{errno, "epoll_create1", ""};
  stop_ = new_event();
  watch(epoll_.get(), stop_.get(), stop_key);
  thread_ = start_quiet_thread([this] { wait(); });
}

bool Doorbells::add(bool is_port, std::uint64_t address, std::uint32_t width, std::uint32_t token) {
  if (!thread_.joinable()) start();
  Bell bell{new_event(), {}, token};
  bell.request.addr = address;
  bell.request.len = width;
  bell.request.fd = bell.event.get();
  bell.request.flags = is_port ? KVM_IOEVENTFD_FLAG_PIO : 0u;
  if (ioctl(vm_.fd(), KVM_IOEVENTFD, &bell.request) != 0) return false;
  const std::lock_guard guard(lock_);
  watch(epoll_.get(), bell.event.get(), token);
  bells_.push_back(std::move(bell));
  return true;
}

void Doorbells::remove(std::uint32_t token) {
  const std::lock_guard guard(lock_);
  const auto bell = std::find_if(bells_.begin(), bells_.end(), [=](const Bell& b) { return b.token == token; });
  if (bell == bells_.end()) return;
  bell->request.flags |= KVM_IOEVENTFD_FLAG_DEASSIGN;
  TSBHYVE_KVM(vm_.fd(), KVM_IOEVENTFD, &bell->request);
  ring(*bell);
  bells_.erase(bell);
}

void Doorbells::ring(const Bell& bell) const {
  std::uint64_t count;
  if (read(bell.event.get(), &count, sizeof count) == sizeof count) rung_(bell.token);
}

void Doorbells::drain() {
  const std::lock_guard guard(lock_);
  for (const Bell& bell : bells_) ring(bell);
}

void Doorbells::wait() {
  for (;;) {
    epoll_event event;
    if (epoll_wait(epoll_.get(), &event, 1, -1) <= 0) continue;
    if (event.data.u64 == stop_key) return;
    const std::lock_guard guard(lock_);
    for (const Bell& bell : bells_) {
      if (bell.token == event.data.u64) ring(bell);
    }
  }
}

}  // namespace tsbhyve::kvm
