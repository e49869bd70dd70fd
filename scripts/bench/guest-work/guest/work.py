# SPDX-License-Identifier: BSD-2-Clause
"""What interpreters usually do: loops over integers, strings, lists, dictionaries, floating point, calls and exceptions."""


def primes(limit):
    sieve = bytearray([1]) * limit
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return sum(sieve) - 2


def words(count):
    seen = {}
    state = 1
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2147483648
        word = "w%d" % (state % 5003)
        seen[word] = seen.get(word, 0) + 1
    return sum(len(word) * number for word, number in sorted(seen.items()))


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def bodies(steps):
    places = [[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    speeds = [[0.0, 0.0], [0.0, 1.0], [-0.7, 0.0]]
    for _ in range(steps):
        for place, speed in zip(places, speeds):
            for other in places:
                if other is place:
                    continue
                away = [other[axis] - place[axis] for axis in (0, 1)]
                cube = (away[0] * away[0] + away[1] * away[1] + 0.01) ** 1.5
                for axis in (0, 1):
                    speed[axis] += 0.001 * away[axis] / cube
        for place, speed in zip(places, speeds):
            for axis in (0, 1):
                place[axis] += 0.001 * speed[axis]
    return "%.9f" % sum(place[0] + place[1] for place in places)


def caught(count):
    failures = 0
    for number in range(count):
        try:
            failures += [1, 2, 3][number % 5]
        except IndexError:
            failures -= 1
    return failures


print(primes(800000), words(120000), fibonacci(22), bodies(6000), caught(120000))
