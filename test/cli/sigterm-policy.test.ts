// SPDX-License-Identifier: BSD-2-Clause
import { parseSigterm } from '../../src/cli/sigterm-policy.js';

test('the option takes an action and a bound', () => {
  expect(parseSigterm('x', 'poweroff')).toEqual({ action: 'poweroff', seconds: null });
  expect(parseSigterm('x', 'suspend,60')).toEqual({ action: 'suspend', seconds: 60 });
  for (const wrong of ['', 'off', 'suspend,', 'suspend,0', 'suspend,-1', 'suspend,1.5', 'suspend,1,2']) {
    expect(() => parseSigterm('on_sigterm', wrong)).toThrow(
      `on_sigterm: '${wrong}'; accepted are poweroff and suspend, each with a number of seconds such as suspend,60`,
    );
  }
});
