// Figures travel as those that are not zero: each one's place in its layout, then its value.

export function gather(figures: Float64Array): number[] {
  const cells: number[] = [];
  for (let i = 0; i < figures.length; i++) {
    const value = figures[i]!;
    if (value !== 0) cells.push(i, value);
  }
  return cells;
}

export function addTo(sums: Float64Array, cells: readonly number[]): void {
  for (let i = 0; i + 1 < cells.length; i += 2) sums[cells[i]!]! += cells[i + 1]!;
}
