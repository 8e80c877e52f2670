import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { api, askTagged, ask, Refused } from '../../api/client';
import { onBegun } from '../../session/session';
import { type Campaign, read } from './campaign';
import { begun, edited, type History, redone, undone } from './history';

const PAUSE = 600;

/** Whether what is shown is what the server has. */
export type Saving = 'saved' | 'waiting' | 'saving' | { failed: Error };

const params = (campaign: string) => ({ path: { campaign } });

/**
 * A campaign's draft: read once, edited here with undo, and saved a moment after each edit. A save begins from what the
 * last one gave, so that an edit by somebody else is never written over.
 */
export function useDraft(id: string) {
  const queries = useQueryClient();
  const loaded = useQuery({
    queryKey: ['draft', id],
    queryFn: () => askTagged(api.GET('/campaigns/{campaign}/draft', { params: params(id) })),
    // It is read again on request only, never under the hands of who edits.
    staleTime: Infinity,
    gcTime: 0,
    // What is read again is taken anew, though it may say the same.
    structuralSharing: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const [history, setHistory] = useState<History<Campaign> | null>(null);
  const [saving, setSaving] = useState<Saving>('saved');
  const [version, setVersion] = useState(0);
  const tag = useRef('');
  const server = useRef<Campaign | null>(null);
  const latest = useRef<Campaign | null>(null);
  const busy = useRef<Promise<void> | null>(null);

  useEffect(() => {
    if (!loaded.data) return;
    const campaign = read(loaded.data.data.campaign, id);
    tag.current = loaded.data.tag;
    server.current = campaign;
    latest.current = campaign;
    setHistory(begun(campaign));
    setVersion(loaded.data.data.version);
    setSaving('saved');
  }, [loaded.data, id]);

  const present = history?.present ?? null;
  latest.current = present ?? latest.current;

  /** Saves till nothing is left to save; one save at a time. */
  const save = useCallback((): Promise<void> => {
    const run = async () => {
      while (latest.current && latest.current !== server.current) {
        const campaign = latest.current;
        setSaving('saving');
        const request = api.PUT('/campaigns/{campaign}/draft', {
          params: { ...params(id), header: { 'If-Match': tag.current } },
          body: campaign as unknown as Record<string, unknown>,
        });
        const answer = await askTagged(request);
        tag.current = answer.tag;
        server.current = campaign;
        setVersion(answer.data.version);
      }
      setSaving('saved');
      void queries.invalidateQueries({ queryKey: ['campaigns'] });
      void queries.invalidateQueries({ queryKey: ['validation', id] });
    };
    busy.current ??= run()
      .catch((error: unknown) => {
        setSaving({ failed: error instanceof Error ? error : new Error(String(error)) });
        throw error;
      })
      .finally(() => {
        busy.current = null;
      });
    return busy.current;
  }, [id, queries]);

  useEffect(() => {
    if (!present || present === server.current) return;
    setSaving('waiting');
    const timer = setTimeout(() => save().catch(() => undefined), PAUSE);
    return () => clearTimeout(timer);
  }, [present, save]);

  // What could not be saved because the session was over is saved when somebody has logged in.
  useEffect(() => onBegun(() => void (latest.current !== server.current && save().catch(() => undefined))), [save]);

  // Whoever leaves the page takes the last edit to the server with them; whoever closes the window is asked.
  useEffect(() => () => void (latest.current !== server.current && save().catch(() => undefined)), [save]);
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => {
      if (latest.current !== server.current) event.preventDefault();
    };
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, []);

  const edit = useCallback((change: (campaign: Campaign) => Campaign, key?: string) => {
    setHistory((now) => now && edited(now, change(now.present), key, Date.now()));
  }, []);

  const validation = useQuery({
    queryKey: ['validation', id],
    queryFn: () => ask(api.POST('/campaigns/{campaign}/validate', { params: params(id) })),
    enabled: loaded.isSuccess,
    placeholderData: (before) => before,
  });

  return {
    loaded,
    campaign: present,
    published: loaded.data?.data.published ?? false,
    /** Whether there are edits that are not published. */
    changed: version > 0 || saving !== 'saved',
    saving,
    conflict: typeof saving === 'object' && saving.failed instanceof Refused && saving.failed.status === 412,
    validation,
    edit,
    undo: history && history.past.length > 0 ? () => setHistory((now) => now && undone(now)) : undefined,
    redo: history && history.future.length > 0 ? () => setHistory((now) => now && redone(now)) : undefined,
    save,
    /** The tag of what was saved last. */
    tag: () => tag.current,
    /** Reads what the server has; edits that were not saved are given up. */
    reload: async () => {
      latest.current = server.current;
      setHistory(null);
      await loaded.refetch();
      await queries.invalidateQueries({ queryKey: ['validation', id] });
      await queries.invalidateQueries({ queryKey: ['campaigns'] });
    },
  };
}

export type DraftState = ReturnType<typeof useDraft>;
