"""What the gate makes of counts."""

import unittest

from gate import compare


class TheGate(unittest.TestCase):
    def holds(self, recorded, measured):
        return compare(recorded, measured)[0]

    def test_a_change_within_the_margin_holds(self):
        for count in (97_000, 99_999, 100_000, 103_000):
            self.assertTrue(self.holds({"job": 100_000}, {"job": count}), count)

    def test_slower_work_fails_and_says_so(self):
        holds, [line] = compare({"job": 100_000}, {"job": 103_001})
        self.assertFalse(holds)
        self.assertIn("+3.0 %: slower", line)

    def test_quicker_work_asks_to_be_recorded(self):
        holds, [line] = compare({"job": 100_000}, {"job": 96_000})
        self.assertFalse(holds)
        self.assertIn("-4.0 %: quicker. --record it", line)

    def test_one_slower_piece_of_work_is_not_made_up_for_by_another(self):
        self.assertFalse(self.holds({"job": 100, "sweep": 100}, {"job": 104, "sweep": 97}))

    def test_work_without_a_figure_and_a_figure_without_work_fail(self):
        self.assertFalse(self.holds({}, {"job": 1}))
        self.assertFalse(self.holds({"job": 1, "sweep": 1}, {"job": 1}))


if __name__ == "__main__":
    unittest.main()
