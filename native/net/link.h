// SPDX-License-Identifier: BSD-2-Clause
// A network link of the host's with a thread of its own. Frames cross in two rings, each with the header of VIRTIO-1.2
// §5.1.6 before it; what finds no room is lost, and nobody waits for anybody.
#pragma once

#include <poll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "net/frame_ring.h"

namespace tsbhyve::net {

/// Of the header, with `num_buffers`, which means nothing here.
inline constexpr std::uint32_t header_bytes = 12;
/// An Ethernet header and the most that fits into an IP packet.
inline constexpr std::uint32_t longest_frame = 65535 + 14;
inline constexpr std::uint32_t longest_record = header_bytes + longest_frame;

class Link {
 public:
  /// Tells the machine's thread that there are frames, or that the link is down. Called on any thread.
  using Announce = std::function<void()>;

  /// Derived classes call `stop()` in their own destructor, while their members still live.
  virtual ~Link();
  explicit Link(Announce announce);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();
  /// Ends the thread and waits for it. Allowed twice.
  void stop();

  // The machine's thread:
  /// False if there is no room.
  bool send(std::span<const std::uint8_t> header, std::span<const std::uint8_t> frame);
  /// Bytes of records in `incoming()`; the next one after these is announced again.
  std::uint32_t take();
  void release(std::uint32_t bytes);
  /// Announces what was not taken a second time.
  void announce_again() { announce_(); }
  /// Shared with those who look at its memory: it may outlive the link.
  const std::shared_ptr<FrameRing>& incoming() const { return incoming_; }
  /// What it takes from the guest, and can be told to give it.
  virtual std::uint32_t offloads() const = 0;
  /// From now on the guest takes these.
  virtual void give(std::uint32_t offloads) = 0;
  /// Why the link is down; empty while it is up.
  std::string failure() const;

 protected:
  /// Adds what is to be polled to `polled`; the milliseconds that may pass until `poll` ends, -1 for any.
  virtual int prepare(std::vector<pollfd>& polled, bool is_blocked) = 0;
  /// Deals with what `poll` has told of the entries that `prepare` has added.
  virtual void handle(std::span<const pollfd> polled) = 0;
  /// A frame of the guest's. False if it is to be offered again when `prepare` has polled for it.
  virtual bool transmit(std::span<std::uint8_t> record) = 0;
  /// The same on the machine's thread, while no frame is before this one: a link that need not wait for that spares
  /// both threads a wake and the frame two copies. False if the link's own thread is to do it.
  virtual bool transmit_at_once(std::span<const std::uint8_t> header, std::span<const std::uint8_t> frame);

  // The link's thread:
  std::span<std::uint8_t> reserve() { return incoming_->reserve(longest_record); }
  void commit(std::uint32_t length);
  /// False if frames have to wait outside; the thread is woken when that changes.
  bool may_receive();
  void fail(const std::string& why);

 private:
  void run();
  bool drain();
  void wake();
  void forget_wakes();

  Announce announce_;
  std::shared_ptr<FrameRing> incoming_;
  FrameRing outgoing_;
  std::atomic<bool> stopping_ = false, asleep_ = false, stalled_ = false, announced_ = false, failed_ = false;
  mutable std::mutex lock_;
  std::string failure_;
  std::thread thread_;
  int wake_read_ = -1, wake_write_ = -1;
};

}  // namespace tsbhyve::net
