;; Reads the FP32 numbers of a JSON array, for as long as they are plain. What it does to a number, and what it leaves
;; to others, is in float-kernel.ts, which gives it its memory. After a change: node scripts/assemble-kernel.js
(module
  (memory (export "memory") 3)
  ;; The numbers lie from 0 on, up to 64 KiB of them.
  ;; i32: behind the last element that was read.
  (global $BEHIND i32 (i32.const 0x10040))
  ;; f64: 10^0 to 10^45, exact up to 10^22.
  (global $POWERS i32 (i32.const 0x10080))
  ;; i64: 10^0 to 10^8.
  (global $SCALES i32 (i32.const 0x10200))
  ;; i64: the most that stays below 2^63 when it moves up by 0 to 8 digits.
  (global $LIMITS i32 (i32.const 0x10280))
  ;; f32: the elements.
  (global $ELEMENTS i32 (i32.const 0x11000))

  ;; Eight digits, the first in the lowest byte, as a number: pairs, then fours, then all, as in "Fast numeric string to
  ;; int" by Johnny Lee, 2016. https://johnnylee-sde.github.io/Fast-numeric-string-to-int/
  (func $eight_digits (param $digits i64) (result i64)
    (local.set $digits
      (i64.shr_u (i64.mul (local.get $digits) (i64.const 0xa01)) (i64.const 8)))
    (local.set $digits
      (i64.shr_u
        (i64.mul (i64.and (local.get $digits) (i64.const 0x00ff00ff00ff00ff)) (i64.const 0x640001))
        (i64.const 16)))
    (i64.shr_u
      (i64.mul (i64.and (local.get $digits) (i64.const 0x0000ffff0000ffff)) (i64.const 0x271000000001))
      (i64.const 32)))

  ;; The elements from $at on, up to $room of them, none that does not end before $end: how many there are.
  (func (export "read") (param $at i32) (param $end i32) (param $room i32) (result i32)
    (local $behind i32) (local $element i32) (local $last i32)
    (local $byte i32) (local $minus i32) (local $start i32)
    (local $exponent i32) (local $written i32) (local $below i32) (local $count i32)
    (local $mantissa i64) (local $word i64) (local $marks i64) (local $bits i64) (local $usual i64) (local $other i64) (local $value f64)
    (local.set $behind (local.get $at))
    (local.set $element (global.get $ELEMENTS))
    (local.set $last (i32.add (global.get $ELEMENTS) (i32.shl (local.get $room) (i32.const 2))))
    (block $stop
      (loop $next
        (br_if $stop (i32.eq (local.get $element) (local.get $last)))
        (local.set $byte (i32.load8_u (local.get $at)))
        (loop $space
          (if (i32.le_u (local.get $byte) (i32.const 0x20))
            (then
              (if
                (i32.or
                  (i32.or (i32.eq (local.get $byte) (i32.const 0x20)) (i32.eq (local.get $byte) (i32.const 0x0a)))
                  (i32.or (i32.eq (local.get $byte) (i32.const 0x0d)) (i32.eq (local.get $byte) (i32.const 0x09))))
                (then
                  (local.set $at (i32.add (local.get $at) (i32.const 1)))
                  (local.set $byte (i32.load8_u (local.get $at)))
                  (br $space))))))

        (local.set $minus (i32.eq (local.get $byte) (i32.const 0x2d)))
        (local.set $at (i32.add (local.get $at) (local.get $minus)))

        ;; Nearly all are a digit, a point, fewer than eight digits and a comma.
        (local.set $word (i64.load align=1 (local.get $at)))
        (local.set $byte (i32.sub (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0xff)) (i32.const 0x30)))
        (if
          (i32.and
            (i32.le_u (local.get $byte) (i32.const 9))
            (i32.eq (i32.and (i32.wrap_i64 (local.get $word)) (i32.const 0xff00)) (i32.const 0x2e00)))
          (then
            (local.set $word
              (i64.xor (i64.load offset=2 align=1 (local.get $at)) (i64.const 0x3030303030303030)))
            (local.set $marks
              (i64.and
                (i64.or (local.get $word) (i64.add (local.get $word) (i64.const 0x7676767676767676)))
                (i64.const 0x8080808080808080)))
            ;; In bits: eight for each digit.
            (local.set $bits (i64.and (i64.ctz (local.get $marks)) (i64.const 0x38)))
            (if
              (i64.eq
                (i64.and (i64.shr_u (local.get $word) (local.get $bits)) (i64.const 0xff))
                (i64.const 0x1c))
              (then
                ;; Where the next one begins is known only now, unless it is foreseen, as the processor does with a
                ;; branch: then the two are worked on at the same time. Most have the length of those before.
                (if (i64.eq (local.get $bits) (local.get $usual))
                  (then (local.set $count (i32.wrap_i64 (local.get $usual))))
                  (else
                    (local.set $count (i32.wrap_i64 (local.get $bits)))
                    (if (i64.eq (local.get $bits) (local.get $other)) (then (local.set $usual (local.get $bits))))
                    (local.set $other (local.get $bits))))
                (local.set $start
                  (i32.add (i32.add (local.get $at) (i32.const 2)) (i32.shr_u (local.get $count) (i32.const 3))))
                (if
                  (i32.and
                    (i32.ne (local.get $count) (i32.const 0))
                    (i32.lt_u (local.get $start) (local.get $end)))
                  (then
                    (local.set $value
                      (f64.div
                        (f64.convert_i64_s
                          (i64.add
                            (i64.mul
                              (i64.extend_i32_u (local.get $byte))
                              (i64.load (i32.add (global.get $SCALES) (local.get $count))))
                            (call $eight_digits
                              (i64.shl (local.get $word) (i64.sub (i64.const 64) (local.get $bits))))))
                        (f64.load (i32.add (global.get $POWERS) (local.get $count)))))
                    (f32.store
                      (local.get $element)
                      (f32.demote_f64
                        (select (f64.neg (local.get $value)) (local.get $value) (local.get $minus))))
                    (local.set $element (i32.add (local.get $element) (i32.const 4)))
                    (local.set $behind (local.get $start))
                    (local.set $at (i32.add (local.get $start) (i32.const 1)))
                    (br $next)))))))

        ;; The digits before the point: one that is not 0, or a single 0.
        (local.set $start (local.get $at))
        (local.set $byte (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
        (br_if $stop (i32.gt_u (local.get $byte) (i32.const 9)))
        (local.set $mantissa (i64.extend_i32_u (local.get $byte)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (local.get $byte)
          (then
            (loop $whole
              (local.set $byte (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
              (if (i32.le_u (local.get $byte) (i32.const 9))
                (then
                  (local.set $mantissa
                    (i64.add
                      (i64.mul (local.get $mantissa) (i64.const 10))
                      (i64.extend_i32_u (local.get $byte))))
                  (local.set $at (i32.add (local.get $at) (i32.const 1)))
                  (br $whole))))
            (br_if $stop (i32.gt_u (i32.sub (local.get $at) (local.get $start)) (i32.const 18)))))

        ;; Those behind it, eight at a time.
        (local.set $exponent (i32.const 0))
        (local.set $byte (i32.load8_u (local.get $at)))
        (if (i32.eq (local.get $byte) (i32.const 0x2e))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (local.set $start (local.get $at))
            (block $point
              (loop $fraction
                (local.set $word (i64.xor (i64.load align=1 (local.get $at)) (i64.const 0x3030303030303030)))
                ;; The highest bit of a byte is set from the first on that is no digit.
                (local.set $marks
                  (i64.and
                    (i64.or (local.get $word) (i64.add (local.get $word) (i64.const 0x7676767676767676)))
                    (i64.const 0x8080808080808080)))
                (local.set $count (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $marks)) (i64.const 3))))
                (br_if $point (i32.eqz (local.get $count)))
                ;; Fewer than eight move up, so that zeros stand before them.
                (local.set $word
                  (i64.shl
                    (local.get $word)
                    (i64.extend_i32_u (i32.sub (i32.const 64) (i32.shl (local.get $count) (i32.const 3))))))
                (br_if $stop
                  (i64.gt_u
                    (local.get $mantissa)
                    (i64.load (i32.add (global.get $LIMITS) (i32.shl (local.get $count) (i32.const 3))))))
                (local.set $mantissa
                  (i64.add
                    (i64.mul
                      (local.get $mantissa)
                      (i64.load (i32.add (global.get $SCALES) (i32.shl (local.get $count) (i32.const 3)))))
                    (call $eight_digits (local.get $word))))
                (local.set $at (i32.add (local.get $at) (local.get $count)))
                (br_if $fraction (i32.eq (local.get $count) (i32.const 8)))))
            (local.set $exponent (i32.sub (local.get $start) (local.get $at)))
            (br_if $stop (i32.eqz (local.get $exponent)))
            (local.set $byte (i32.load8_u (local.get $at)))))

        (if (i32.ne (local.get $byte) (i32.const 0x2c))
          (then
            (if (i32.eq (i32.or (local.get $byte) (i32.const 0x20)) (i32.const 0x65))
              (then
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (local.set $byte (i32.load8_u (local.get $at)))
                (local.set $below (i32.eq (local.get $byte) (i32.const 0x2d)))
                (local.set $at
                  (i32.add
                    (local.get $at)
                    (i32.or (local.get $below) (i32.eq (local.get $byte) (i32.const 0x2b)))))
                (local.set $start (local.get $at))
                (local.set $written (i32.const 0))
                (loop $power
                  (local.set $byte (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x30)))
                  (if (i32.le_u (local.get $byte) (i32.const 9))
                    (then
                      (local.set $written
                        (i32.add (i32.mul (local.get $written) (i32.const 10)) (local.get $byte)))
                      (local.set $at (i32.add (local.get $at) (i32.const 1)))
                      ;; More than three digits are beyond what is read here, and stand for the end.
                      (br_if $power (i32.lt_u (i32.sub (local.get $at) (local.get $start)) (i32.const 4))))))
                (br_if $stop (i32.eq (local.get $at) (local.get $start)))
                (local.set $exponent
                  (select
                    (i32.sub (local.get $exponent) (local.get $written))
                    (i32.add (local.get $exponent) (local.get $written))
                    (local.get $below)))
                (local.set $byte (i32.load8_u (local.get $at)))))
            (br_if $stop
              (i32.and
                (i32.ne (local.get $byte) (i32.const 0x2c))
                (i32.ne (local.get $byte) (i32.const 0x5d))))))
        (br_if $stop (i32.ge_u (local.get $at) (local.get $end)))

        (br_if $stop (i32.gt_u (i32.add (local.get $exponent) (i32.const 45)) (i32.const 90)))
        (local.set $value (f64.convert_i64_s (local.get $mantissa)))
        (if (i32.lt_s (local.get $exponent) (i32.const 0))
          (then
            (local.set $value
              (f64.div
                (local.get $value)
                (f64.load
                  (i32.sub (global.get $POWERS) (i32.shl (local.get $exponent) (i32.const 3)))))))
          (else
            (local.set $value
              (f64.mul
                (local.get $value)
                (f64.load
                  (i32.add (global.get $POWERS) (i32.shl (local.get $exponent) (i32.const 3))))))))
        ;; Up to 2^53 and 10^22 the double is exact but for its one rounding. Beyond, it is a few units off, which does
        ;; not show in the element unless it lies in the middle between two, or the element is not a normal one.
        (if
          (i32.or
            (i64.ge_u (local.get $mantissa) (i64.const 0x20000000000000))
            (i32.gt_u (i32.add (local.get $exponent) (i32.const 22)) (i32.const 44)))
          (then
            (br_if $stop
              (i64.le_u
                (i64.sub
                  (i64.and (i64.reinterpret_f64 (local.get $value)) (i64.const 0x1fffffff))
                  (i64.const 0x0ffffff8))
                (i64.const 16)))
            (br_if $stop (f64.gt (local.get $value) (f64.const 0x1.fffffep+127)))
            (br_if $stop (f64.lt (local.get $value) (f64.const 0x1p-126)))))

        (f32.store
          (local.get $element)
          (f32.demote_f64
            (select (f64.neg (local.get $value)) (local.get $value) (local.get $minus))))
        (local.set $element (i32.add (local.get $element) (i32.const 4)))
        (local.set $behind (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.eq (local.get $byte) (i32.const 0x2c)))))
    (i32.store (global.get $BEHIND) (local.get $behind))
    (i32.shr_u (i32.sub (local.get $element) (global.get $ELEMENTS)) (i32.const 2))))
