/** Does something for each item, for no more than `width` of them at once; what it gives is in the items' order. */
export async function atMost<Item, Value>(
  width: number,
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const values = new Array<Value>(items.length);
  const left = items.entries();
  // All lanes draw from the one iterator.
  const lane = async (): Promise<void> => {
    for (const [i, item] of left) values[i] = await work(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return values;
}
