// SPDX-License-Identifier: BSD-2-Clause
// A tap device as a network link.
#pragma once

#include "net/link.h"
#include "net/tap_device.h"

namespace tsbhyve::net {

class TapLink final : public Link {
 public:
  TapLink(const std::string& name, Announce announce) : Link(std::move(announce)), tap_(name) {}
  ~TapLink() override { stop(); }

  std::uint32_t offloads() const override { return tap_.offloads(); }
  void give(std::uint32_t offloads) override { tap_.give(offloads); }

 private:
  int prepare(std::vector<pollfd>& polled, bool is_blocked) override;
  void handle(std::span<const pollfd> polled) override;
  bool transmit(std::span<std::uint8_t> record) override;
  bool transmit_at_once(std::span<const std::uint8_t> header, std::span<const std::uint8_t> frame) override;

  TapDevice tap_;
};

}  // namespace tsbhyve::net
