/** What a PromQL expression refers to, as far as a test of dashboards needs to know. */
export interface PromqlUse {
  readonly metrics: readonly { readonly name: string; readonly labels: readonly string[] }[];
  /** Labels that are grouped or matched by, outside of selectors. */
  readonly labels: readonly string[];
}

const FUNCTIONS = ['absent', 'histogram_quantile', 'increase', 'label_values', 'rate', 'sum'];
const CLAUSES = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'];
/** Between two sides, where no metric can stand. */
const OPERATORS = ['and', 'or', 'unless'];
const PAIRS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Reads an expression. @throws where brackets or strings do not close, or a function is not known */
export function readPromql(expression: string): PromqlUse {
  const text = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  if (/"/.test(text.replaceAll('""', ''))) throw new Error(`a string does not close: ${expression}`);
  requireBalance(text);
  const labels: string[] = [];
  const clauses = new RegExp(`\\b(${CLAUSES.join('|')})\\s*\\(([^)]*)\\)`, 'g');
  const rest = text.replace(/\[[^\]]*\]/g, '').replace(clauses, (_, _clause, list: string) => {
    labels.push(...list.split(',').flatMap((label) => label.trim() || []));
    return ' ';
  });
  const metrics: { name: string; labels: string[] }[] = [];
  for (const [, name = '', called, selector = ''] of rest.matchAll(
    /(?<![\w.])([a-zA-Z_:][\w:]*)\s*(\()?(?:\{([^}]*)\})?/g,
  )) {
    if (OPERATORS.includes(name)) continue;
    if (called === undefined) metrics.push({ name, labels: labelsOf(selector) });
    else if (!FUNCTIONS.includes(name)) throw new Error(`no function "${name}" is known: ${expression}`);
  }
  return { metrics, labels };
}

function labelsOf(selector: string): string[] {
  return selector.split(',').flatMap((matcher) => {
    if (matcher.trim() === '') return [];
    const [, label] = /^\s*(\w+)\s*(?:=~|!~|!=|=)\s*""\s*$/.exec(matcher) ?? [];
    if (label === undefined) throw new Error(`this is no label matcher: ${matcher}`);
    return [label];
  });
}

function requireBalance(text: string): void {
  const open: string[] = [];
  for (const character of text) {
    if (Object.values(PAIRS).includes(character)) open.push(character);
    else if (character in PAIRS && open.pop() !== PAIRS[character])
      throw new Error(`brackets do not match: ${text}`);
  }
  if (open.length > 0) throw new Error(`brackets do not close: ${text}`);
}
