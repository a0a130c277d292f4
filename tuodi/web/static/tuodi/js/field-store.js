// What a device keeps of visits until it can send them: IndexedDB, every value sealed with AES-GCM.
// The key comes from the session, is held by the browser as not extractable, and goes with the data:
// when all is sent, at signing out, after the keeping time, or when somebody else signs in.
(function () {
  "use strict";

  var NAME = "tuodi-field";
  var HOUR = 3600 * 1000;
  var encoder = new TextEncoder();
  var decoder = new TextDecoder();

  function possible() {
    return Boolean(window.isSecureContext && window.indexedDB && window.crypto && crypto.subtle && "serviceWorker" in navigator);
  }

  function open() {
    return new Promise(function (resolve, reject) {
      var asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = function () {
        asked.result.createObjectStore("meta");
        asked.result.createObjectStore("tasks");
        asked.result.createObjectStore("photos", { autoIncrement: true }).createIndex("task", "task");
      };
      asked.onsuccess = function () { resolve(asked.result); };
      asked.onerror = function () { reject(asked.error); };
    });
  }

  // One request in one transaction, closed at once so that wiping is never blocked.
  async function run(store, mode, deed) {
    var base = await open();
    try {
      return await new Promise(function (resolve, reject) {
        var work = base.transaction(store, mode);
        var asked = deed(work.objectStore(store));
        work.oncomplete = function () { resolve(asked && asked.result); };
        work.onerror = work.onabort = function () { reject(work.error); };
      });
    } finally {
      base.close();
    }
  }

  function wipe() {
    return new Promise(function (resolve) {
      var asked = indexedDB.deleteDatabase(NAME);
      asked.onsuccess = asked.onerror = asked.onblocked = function () { resolve(); };
    });
  }

  function meta() {
    return run("meta", "readonly", function (store) { return store.get("device"); });
  }

  // Returns false where what was kept had outlived its time and was wiped.
  async function fresh() {
    var kept = await meta();
    if (!kept || Date.now() - kept.madeAt <= kept.keepHours * HOUR) return true;
    await wipe();
    return false;
  }

  // Takes the session's key in, unless this user's own older one still holds unsent work.
  async function ready(session) {
    var alive = await fresh();
    var kept = await meta();
    if (kept && kept.user !== session.user) {
      await wipe();
      kept = null;
    }
    if (!kept) {
      var raw = Uint8Array.from(atob(session.key), function (sign) { return sign.charCodeAt(0); });
      var key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
      raw.fill(0);
      var row = { key: key, user: session.user, madeAt: Date.now(), keepHours: session.keep_hours };
      await run("meta", "readwrite", function (store) { return store.put(row, "device"); });
    }
    return alive;
  }

  async function seal(bytes) {
    var kept = await meta();
    if (!kept) throw new Error("no key");
    var iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv: iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv: iv }, kept.key, bytes) };
  }

  async function unseal(row) {
    var kept = await meta();
    if (!kept) throw new Error("no key");
    return crypto.subtle.decrypt({ name: "AES-GCM", iv: row.iv }, kept.key, row.data);
  }

  async function putTask(id, body) {
    var sealed = await seal(encoder.encode(JSON.stringify(body)));
    await run("tasks", "readwrite", function (store) { return store.put(sealed, String(id)); });
  }

  async function getTask(id) {
    var row = await run("tasks", "readonly", function (store) { return store.get(String(id)); });
    if (!row) return null;
    try {
      return JSON.parse(decoder.decode(await unseal(row)));
    } catch (error) {
      return null; // sealed with a key that is gone: nobody can read it any more
    }
  }

  async function ids() {
    return (await run("tasks", "readonly", function (store) { return store.getAllKeys(); })) || [];
  }

  async function allTasks() {
    var found = [];
    for (var id of await ids()) {
      var body = await getTask(id);
      if (body) found.push(Object.assign({ id: id }, body));
    }
    return found;
  }

  // A sent task leaves nothing behind; after the last one the key goes too.
  async function dropTask(id) {
    for (var photo of await photosOf(id)) await dropPhoto(photo.id);
    await run("tasks", "readwrite", function (store) { return store.delete(String(id)); });
    if (!(await ids()).length) await wipe();
  }

  async function putPhoto(task, bytes, about) {
    var picture = await seal(bytes);
    var words = await seal(encoder.encode(JSON.stringify(about)));
    var row = { task: String(task), picture: picture, words: words };
    return run("photos", "readwrite", function (store) { return store.add(row); });
  }

  async function photosOf(task) {
    var rows = [];
    await run("photos", "readonly", function (store) {
      var asked = store.index("task").openCursor(IDBKeyRange.only(String(task)));
      asked.onsuccess = function () {
        var cursor = asked.result;
        if (!cursor) return;
        rows.push({ id: cursor.primaryKey, row: cursor.value });
        cursor.continue();
      };
      return asked;
    });
    var found = [];
    for (var one of rows) {
      try {
        var about = JSON.parse(decoder.decode(await unseal(one.row.words)));
        found.push(Object.assign({ id: one.id, bytes: await unseal(one.row.picture) }, about));
      } catch (error) { /* sealed with a key that is gone */ }
    }
    return found;
  }

  function dropPhoto(id) {
    return run("photos", "readwrite", function (store) { return store.delete(id); });
  }

  async function hoursLeft() {
    var kept = await meta();
    return kept ? Math.max(0, Math.floor(kept.keepHours - (Date.now() - kept.madeAt) / HOUR)) : null;
  }

  window.TuodiStore = {
    possible: possible, fresh: fresh, ready: ready, meta: meta, wipe: wipe, hoursLeft: hoursLeft,
    putTask: putTask, getTask: getTask, allTasks: allTasks, dropTask: dropTask,
    putPhoto: putPhoto, photosOf: photosOf, dropPhoto: dropPhoto
  };
})();
