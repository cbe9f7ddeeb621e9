// A bucket as a person fills it in, and as the server takes it. Pure.
import type { NewBucket } from '../api';

export type BucketText = { bucket: string; folder: string; endpoint: string; region: string; key: string; secret: string; ca: string; days: number | null };
export const EMPTY: BucketText = { bucket: '', folder: '', endpoint: '', region: 'us-east-1', key: '', secret: '', ca: '', days: 0 };

/** What S3 takes as the name of a bucket; as an HTML pattern. */
export const BUCKET = '[a-z0-9][a-z0-9.\\-]{1,61}[a-z0-9]';

/** Where the archive lies: s3://BUCKET/FOLDER, without strokes at the ends. */
export function bucketPath(of: BucketText): string {
  const folder = of.folder.trim().replace(/^\/+|\/+$/g, '');
  return `s3://${of.bucket.trim()}${folder ? `/${folder}` : ''}`;
}

/** How the bucket is reached. The secret goes as it was typed, but for what a copy brings along at its ends. */
export function bucketOf(of: BucketText): NewBucket {
  return {
    endpoint: of.endpoint.trim().replace(/\/+$/, ''), region: of.region.trim(), access_key_id: of.key.trim(), secret_access_key: of.secret.trim(), ca: of.ca.trim(),
    object_lock_days: of.days ?? 0, object_lock_for_all: false,
  };
}
