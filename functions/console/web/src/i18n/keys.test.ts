import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import en from './en';
import zh from './zh-CN';

const SOURCE = join(import.meta.dirname, '..');

function leaves(value: unknown, path = ''): string[] {
  if (typeof value === 'string') return [path];
  return Object.entries(value as object).flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key));
}

/** A plural's forms are one key to whoever asks for it. */
const base = (key: string) => key.replace(/_(zero|one|two|few|many|other)$/, '');

const asked = new Set<string>();
const prefixes = new Set<string>();
for (const name of readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })) {
  if (!/\.tsx?$/.test(name) || name.includes('.test.') || name.endsWith('schema.gen.ts')) continue;
  const text = readFileSync(join(SOURCE, name), 'utf8');
  for (const [, key] of text.matchAll(/\bt\(\s*'([\w.-]+)'/g)) asked.add(key!);
  for (const [, key] of text.matchAll(/i18nKey="([\w.-]+)"/g)) asked.add(key!);
  for (const [, key] of text.matchAll(/\/\* t \*\/ '([\w.-]+)'/g)) asked.add(key!);
  for (const [, key] of text.matchAll(/\bt\(\s*`([\w.-]+\.)\$\{/g)) prefixes.add(key!);
}

const english = new Set(leaves(en).map(base));
const chinese = new Set(leaves(zh).map(base));

test('every key that is asked for has words', () => {
  expect([...asked].filter((key) => !english.has(key))).toEqual([]);
  expect([...prefixes].filter((prefix) => ![...english].some((key) => key.startsWith(prefix)))).toEqual([]);
});

test('every key is asked for', () => {
  const unused = [...english].filter(
    (key) => !asked.has(key) && ![...prefixes].some((prefix) => key.startsWith(prefix)),
  );
  expect(unused).toEqual([]);
});

test('both languages have the same keys, and the same values in braces', () => {
  expect([...chinese].sort()).toEqual([...english].sort());
  const holes = (texts: unknown, key: string) => {
    let value = texts as Record<string, unknown> | string | undefined;
    for (const part of key.split('.')) value = (value as Record<string, unknown>)?.[part] as typeof value;
    return typeof value === 'string' ? [...new Set(value.match(/{{\s*\w+/g) ?? [])].sort() : null;
  };
  const different = leaves(en).filter((key) => {
    const [one, other] = [holes(en, key), holes(zh, key)];
    return one && other && one.join() !== other.join();
  });
  expect(different).toEqual([]);
});
