// SPDX-License-Identifier: BSD-2-Clause
import { iperfCommand, iperfResult } from '../../scripts/bench/debian/iperf.js';

const received = { seconds: 10, bits_per_second: 8e6, bytes: 10_000_000 };

test('a command names the server, the time and what else is wanted', () => {
  expect(iperfCommand('10.0.2.2', 10, '')).toBe('iperf3 -J -c 10.0.2.2 -p 5299 -t 10');
  expect(iperfCommand('10.0.2.2', 3, '-R')).toBe('iperf3 -J -c 10.0.2.2 -p 5299 -t 3 -R');
});

test('of TCP what arrived counts, whatever stands before the JSON', () => {
  const output = `a message\n${JSON.stringify({ end: { sum_sent: { bytes: 11_000_000 }, sum_received: received } })}`;
  expect(iperfResult(output)).toEqual({ bitsPerSecond: 8e6, bytes: 10_000_000, packets: null });
});

test('of UDP packets that were lost do not count', () => {
  const output = JSON.stringify({ end: { sum: { packets: 100, lost_packets: 3 }, sum_received: received } });
  expect(iperfResult(output).packets).toBe(97);
});

test('what iperf3 complains of ends the bench', () => {
  expect(() => iperfResult(JSON.stringify({ error: 'unable to connect', end: {} }))).toThrow(
    'iperf3 in the guest: unable to connect',
  );
});
