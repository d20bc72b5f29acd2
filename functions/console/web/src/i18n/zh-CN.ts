/** Every file of `zh-CN/` under its own name. */
const files = import.meta.glob<Record<string, unknown>>('./zh-CN/*.json', { eager: true, import: 'default' });

export default Object.fromEntries(
  Object.entries(files).map(([path, texts]) => [path.slice('./zh-CN/'.length, -'.json'.length), texts]),
);
