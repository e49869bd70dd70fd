// SPDX-License-Identifier: BSD-2-Clause
#include "net_exports.h"

#include <system_error>

#include "convert.h"
#include "errors.h"
#include "hostio/event_queue.h"
#include "machine.h"
#include "net/link_error.h"
#include "net/slirp_link.h"
#include "net/tap_link.h"

namespace tsbhyve {

namespace {

using net::Link;
using net::LinkError;

template <class Work>
auto attempt(Napi::Env env, Work work) {
  try {
    return guarded(env, work);
  } catch (const LinkError& error) {
    throw_coded(env, "ERR_LINK", error.what());
  }
}

/// What the object in JavaScript holds. Its host side goes when it is closed, whenever the object is collected.
struct Held {
  std::unique_ptr<Link> link;

  Link& open(Napi::Env env) const {
    if (!link) throw_coded(env, "ERR_CLOSED", "the link is closed");
    return *link;
  }
};

/// The memory of received frames is the ring's own, which a view keeps.
Napi::Value memory_of(Napi::Env env, const std::shared_ptr<net::FrameRing>& ring) {
  const auto memory = ring->memory();
  auto holder = std::make_unique<std::shared_ptr<net::FrameRing>>(ring);
  const auto let_go = [](Napi::Env, void*, std::shared_ptr<net::FrameRing>* held) { delete held; };
  auto buffer = Napi::ArrayBuffer::New(env, memory.data(), memory.size(), let_go, holder.get());
  holder.release();
  return Napi::Uint8Array::New(env, memory.size(), buffer, 0);
}

/// The object by which TypeScript has a link, which runs from now on.
Napi::Value handle_of(Napi::Env env, std::unique_ptr<Link> link) {
  link->start();
  const auto held = std::make_shared<Held>(std::move(link));
  auto handle = Napi::Object::New(env);
  const auto method = [&](const char* name, auto work) {
    handle.Set(name, Napi::Function::New(env, [held, work](const Napi::CallbackInfo& info) {
                 return attempt(info.Env(), [&] { return work(info, held->open(info.Env())); });
               }));
  };
  handle.Set("memory", memory_of(env, held->link->incoming()));
  handle.Set("offloads", Napi::Number::New(env, held->link->offloads()));
  method("take", [](const Napi::CallbackInfo& info, Link& open) -> Napi::Value {
    return Napi::Number::New(info.Env(), open.take());
  });
  method("release", [](const Napi::CallbackInfo& info, Link& open) {
    const std::uint32_t bytes = to_u32(info[0], "bytes");
    if (bytes > open.incoming()->waiting()) throw_coded(info.Env(), "ERR_INVALID", "bytes: more than is there");
    open.release(bytes);
  });
  method("announceAgain", [](const Napi::CallbackInfo&, Link& open) { open.announce_again(); });
  method("send", [](const Napi::CallbackInfo& info, Link& open) -> Napi::Value {
    return Napi::Boolean::New(info.Env(), open.send(bytes_of(info[0]), bytes_of(info[1])));
  });
  method("give", [](const Napi::CallbackInfo& info, Link& open) { open.give(to_u32(info[0], "offloads")); });
  method("failure", [](const Napi::CallbackInfo& info, Link& open) -> Napi::Value {
    return Napi::String::New(info.Env(), open.failure());
  });
  handle.Set("close", Napi::Function::New(env, [held](const Napi::CallbackInfo&) { held->link.reset(); }));
  return handle;
}

/// Events of the link are this source's, with this token. The queue may outlive the machine, and the link the queue's
/// reader.
Link::Announce announce_to(const Napi::CallbackInfo& info) {
  const auto events = Machine::from(info[0]).events();
  const Event event{to_u32(info[1], "source"), to_u32(info[2], "token"), 0};
  return [events, event] { events->post(event); };
}

/// openTap(machine, source, token, name)
Napi::Value open_tap(const Napi::CallbackInfo& info) {
  return attempt(info.Env(), [&] {
    return handle_of(info.Env(), std::make_unique<net::TapLink>(info[3].ToString(), announce_to(info)));
  });
}

std::string text_of(const Napi::Object& object, const char* name) { return object.Get(name).ToString(); }

net::SlirpForward forward_of(const Napi::Value& value) {
  const auto rule = value.As<Napi::Object>();
  const auto port = [&](const char* name) { return static_cast<std::uint16_t>(to_u32(rule.Get(name), name)); };
  return {text_of(rule, "protocol") == "udp", text_of(rule, "hostAddress"), text_of(rule, "guestAddress"),
          port("hostPort"), port("guestPort")};
}

/// openSlirp(machine, source, token, { network, mask, host, dns, dhcpStart, isRestricted, forwards })
Napi::Value open_slirp(const Napi::CallbackInfo& info) {
  return attempt(info.Env(), [&] {
    const auto given = info[3].As<Napi::Object>();
    net::SlirpOptions options{text_of(given, "network"),
                              text_of(given, "mask"),
                              text_of(given, "host"),
                              text_of(given, "dns"),
                              text_of(given, "dhcpStart"),
                              given.Get("isRestricted").ToBoolean(),
                              {}};
    const auto rules = given.Get("forwards").As<Napi::Array>();
    for (std::uint32_t i = 0; i < rules.Length(); i++) options.forwards.push_back(forward_of(rules[i]));
    return handle_of(info.Env(), net::open_slirp(options, announce_to(info)));
  });
}

}  // namespace

Napi::Object net_exports(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("openTap", Napi::Function::New(env, open_tap, "openTap"));
  exports.Set("openSlirp", Napi::Function::New(env, open_slirp, "openSlirp"));
  return exports;
}

}  // namespace tsbhyve
