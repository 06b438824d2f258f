;; Two passes of a separable filter over pictures of 8 bits a channel, with weights in fixed point: what
;; src/processing/images/resample.ts asks for, in the memory that it lays out. README.md says why it is here.
(module
  (memory (export "memory") 80)

  ;; Half a unit of the 22 bits behind the point, from which each sum starts so that it is rounded.
  (global $half i32 (i32.const 0x200000))

  ;; The sums as bytes, held between 0 and 255, in the low lane.
  (func $bytes (param $sum v128) (result i32)
    (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
    (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
    (i32x4.extract_lane 0 (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum))))

  ;; Rows become narrower (or wider). Four of them at a time, so that each weight is read once for four: what lies
  ;; behind the last row must be readable, and comes to nothing. A pixel has up to four channels, is read as four bytes
  ;; and written as four: what is too much lies where the next pixel comes, or behind the row.
  ;;   spans: for each column of the result, where in a row its first source pixel begins (in bytes), and how many
  ;;   taps: weights of each column, of which only the first so many count
  (func (export "across")
    (param $source i32) (param $sourceStride i32) (param $rows i32) (param $channels i32)
    (param $spans i32) (param $weights i32) (param $taps i32) (param $columns i32)
    (param $target i32) (param $targetStride i32)
    (local $span i32) (local $spansEnd i32) (local $weight i32) (local $weightsEnd i32) (local $nextWeights i32)
    (local $from i32) (local $to i32) (local $stride2 i32) (local $stride3 i32) (local $targetStride2 i32)
    (local $one v128) (local $two v128) (local $three v128) (local $four v128) (local $factor v128)
    (local.set $stride2 (i32.shl (local.get $sourceStride) (i32.const 1)))
    (local.set $stride3 (i32.add (local.get $stride2) (local.get $sourceStride)))
    (local.set $targetStride2 (i32.shl (local.get $targetStride) (i32.const 1)))
    (local.set $spansEnd (i32.add (local.get $spans) (i32.shl (local.get $columns) (i32.const 3))))
    (block $done
      (loop $fourRows
        (br_if $done (i32.le_s (local.get $rows) (i32.const 0)))
        (local.set $span (local.get $spans))
        (local.set $nextWeights (local.get $weights))
        (local.set $to (local.get $target))
        (loop $column
          (local.set $from (i32.add (local.get $source) (i32.load (local.get $span))))
          (local.set $weight (local.get $nextWeights))
          (local.set $weightsEnd
            (i32.add (local.get $weight) (i32.shl (i32.load offset=4 (local.get $span)) (i32.const 2))))
          (local.set $one (i32x4.splat (global.get $half)))
          (local.set $two (local.get $one))
          (local.set $three (local.get $one))
          (local.set $four (local.get $one))
          (block $summed
            (loop $tap
              (br_if $summed (i32.ge_u (local.get $weight) (local.get $weightsEnd)))
              (local.set $factor (v128.load32_splat (local.get $weight)))
              (local.set $one (i32x4.add (local.get $one)
                (i32x4.mul (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $from)))) (local.get $factor))))
              (local.set $two (i32x4.add (local.get $two)
                (i32x4.mul (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
                  (v128.load32_zero (i32.add (local.get $from) (local.get $sourceStride)))))
                  (local.get $factor))))
              (local.set $three (i32x4.add (local.get $three)
                (i32x4.mul (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
                  (v128.load32_zero (i32.add (local.get $from) (local.get $stride2)))))
                  (local.get $factor))))
              (local.set $four (i32x4.add (local.get $four)
                (i32x4.mul (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
                  (v128.load32_zero (i32.add (local.get $from) (local.get $stride3)))))
                  (local.get $factor))))
              (local.set $from (i32.add (local.get $from) (local.get $channels)))
              (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
              (br $tap)))
          (i32.store (local.get $to) (call $bytes (local.get $one)))
          (i32.store (i32.add (local.get $to) (local.get $targetStride)) (call $bytes (local.get $two)))
          (i32.store (i32.add (local.get $to) (local.get $targetStride2)) (call $bytes (local.get $three)))
          (i32.store
            (i32.add (i32.add (local.get $to) (local.get $targetStride2)) (local.get $targetStride))
            (call $bytes (local.get $four)))
          (local.set $to (i32.add (local.get $to) (local.get $channels)))
          (local.set $nextWeights (i32.add (local.get $nextWeights) (i32.shl (local.get $taps) (i32.const 2))))
          (local.set $span (i32.add (local.get $span) (i32.const 8)))
          (br_if $column (i32.lt_u (local.get $span) (local.get $spansEnd))))
        (local.set $source (i32.add (local.get $source) (i32.shl (local.get $sourceStride) (i32.const 2))))
        (local.set $target (i32.add (local.get $target) (i32.shl (local.get $targetStride) (i32.const 2))))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 4)))
        (br $fourRows))))

  ;; Rows become fewer (or more), sixteen bytes of them at a time, whatever they are.
  ;;   spans: for each row of the result, where its first source row begins (in bytes), and how many there are
  ;;   stride: bytes of a row, both of the source and of the result; a multiple of 16
  (func (export "down")
    (param $source i32) (param $stride i32)
    (param $spans i32) (param $weights i32) (param $taps i32) (param $rows i32)
    (param $target i32)
    (local $spansEnd i32) (local $weight i32) (local $weightsEnd i32) (local $from i32) (local $column i32)
    (local $factor v128) (local $sixteen v128) (local $eight v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $spansEnd (i32.add (local.get $spans) (i32.shl (local.get $rows) (i32.const 3))))
    (loop $row
      (local.set $weightsEnd
        (i32.add (local.get $weights) (i32.shl (i32.load offset=4 (local.get $spans)) (i32.const 2))))
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $from
          (i32.add (i32.add (local.get $source) (i32.load (local.get $spans))) (local.get $column)))
        (local.set $weight (local.get $weights))
        (local.set $a (i32x4.splat (global.get $half)))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (block $summed
          (loop $tap
            (br_if $summed (i32.ge_u (local.get $weight) (local.get $weightsEnd)))
            (local.set $factor (v128.load32_splat (local.get $weight)))
            (local.set $sixteen (v128.load (local.get $from)))
            (local.set $eight (i16x8.extend_low_i8x16_u (local.get $sixteen)))
            (local.set $a (i32x4.add (local.get $a)
              (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $eight)) (local.get $factor))))
            (local.set $b (i32x4.add (local.get $b)
              (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $eight)) (local.get $factor))))
            (local.set $eight (i16x8.extend_high_i8x16_u (local.get $sixteen)))
            (local.set $c (i32x4.add (local.get $c)
              (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $eight)) (local.get $factor))))
            (local.set $d (i32x4.add (local.get $d)
              (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $eight)) (local.get $factor))))
            (local.set $from (i32.add (local.get $from) (local.get $stride)))
            (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
            (br $tap)))
        (v128.store (i32.add (local.get $target) (local.get $column))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (local.set $column (i32.add (local.get $column) (i32.const 16)))
        (br_if $columns (i32.lt_u (local.get $column) (local.get $stride))))
      (local.set $target (i32.add (local.get $target) (local.get $stride)))
      (local.set $weights (i32.add (local.get $weights) (i32.shl (local.get $taps) (i32.const 2))))
      (local.set $spans (i32.add (local.get $spans) (i32.const 8)))
      (br_if $row (i32.lt_u (local.get $spans) (local.get $spansEnd)))))
)
