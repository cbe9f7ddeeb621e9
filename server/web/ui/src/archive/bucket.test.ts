import { expect, test } from 'vitest';
import { BUCKET, bucketOf, bucketPath, EMPTY } from './bucket';

test('a bucket and its folder are one path', () => {
  expect(bucketPath({ ...EMPTY, bucket: ' calls ', folder: '' })).toBe('s3://calls');
  expect(bucketPath({ ...EMPTY, bucket: 'calls', folder: '/site-a/2026/' })).toBe('s3://calls/site-a/2026');
});

test('names of buckets are those that S3 takes', () => {
  const fits = (name: string) => new RegExp(`^(?:${BUCKET})$`, 'v').test(name);
  expect(['calls', 'site-a.calls', 'a1b'].every(fits)).toBe(true);
  expect(['Calls', 'a', '-ab', 'ab-', 's3://calls', 'a b', 'x'.repeat(64)].some(fits)).toBe(false);
});

test('what a copy brings along at its ends is left out', () => {
  const of = bucketOf({ ...EMPTY, endpoint: 'https://store.example:9000/ ', key: ' AKIA1 ', secret: 'a/b+c=\n', days: 30 });
  expect(of).toMatchObject({ endpoint: 'https://store.example:9000', region: 'us-east-1', access_key_id: 'AKIA1', secret_access_key: 'a/b+c=', object_lock_days: 30 });
});
