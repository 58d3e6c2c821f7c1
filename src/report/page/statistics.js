// Statistics of many numbers. Unknown values are left out.

export function finite(values) {
  return values.filter((value) => Number.isFinite(value));
}

export function mean(values) {
  const known = finite(values);
  return known.length > 0 ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

export function quantile(values, share) {
  const sorted = finite(values).sort((a, b) => a - b);
  return sorted[Math.round(share * (sorted.length - 1))] ?? null;
}

// The item with the greatest value, or undefined.
export function greatest(items, value) {
  const larger = (a, b) => (value(b) > value(a) ? b : a);
  const known = items.filter((item) => Number.isFinite(value(item)));
  return known.length > 0 ? known.reduce(larger) : undefined;
}
